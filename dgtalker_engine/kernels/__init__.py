"""What all compiled code shares: compilation and its cache, threads, SIMD vectors, fast maths, bits, sRGB's curve."""

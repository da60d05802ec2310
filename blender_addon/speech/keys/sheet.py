"""The generated keys of one datablock while they are written, around what the animator makes of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Generator, Iterable, Sequence

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError

from ...properties import keys_properties
from ..stepwise import Pace
from . import generated, key_points, ledger, merge, places, put_away
from . import moves as moving
from .ledger import Ledger, Path
from .merge import Curve, Kept, Kind
from .moves import Move


class Sheet:
    """A datablock's keys while they are written: what is remembered, with what the animator changed since.

    Each curve is looked at when it is first asked for.

    Attributes:
        notes: sentences for the user.
    """

    def __init__(self, owner: bpy.types.ID, name: str) -> None:
        self.owner = owner
        self.notes: list[str] = []
        self.place, self.known = places.ensured(owner, name, self.notes)
        self._fcurves = self.place.curves()
        self._keys: dict[Path, merge.Keys] = {}
        self._curves: dict[Path, Curve] = {}
        self._laid: dict[Path, float] = {}

    @property
    def reach(self) -> int:
        return self.known.reach

    @property
    def kept(self) -> list[tuple[Path, Kept]]:
        """What generated keys stay out of, by curve and frames."""
        return [(path, each) for path in self._paths() for each in self._curve(path).kept]

    def own(self, path: Path, start: int, count: int) -> np.ndarray:
        """What the animator had on a curve before: her pose, or her keys; float32 (count,) from frame `start` on."""
        curve = self._curve(path)
        values = np.full(count, np.nan, np.float32)
        first, last = max(start, curve.start), min(start + count, curve.end + 1)
        if last > first:
            values[first - start : last - start] = curve.own[first - curve.start : last - curve.start]
        unknown = np.flatnonzero(np.isnan(values))
        if len(unknown):
            if path in self._laid:
                values[unknown] = self._laid[path]
            elif not len(curve.own):
                values[unknown] = self._drawn(path, start + unknown)
            else:
                times = self._keys[path].times
                for side, beyond, edge in (
                    (unknown[start + unknown < curve.start], times < curve.start, curve.own[0]),
                    (unknown[start + unknown > curve.end], times > curve.end, curve.own[-1]),
                ):
                    # Without a key of hers out there, the curve goes on with the line's end, which she may have edited.
                    values[side] = self._drawn(path, start + side) if beyond.any() else edge
        return values

    def _paths(self) -> list[Path]:
        """Of all curves that something is remembered of, or was written to."""
        return list(dict.fromkeys([*self.known.curves, *self._curves]))

    def _curve(self, path: Path) -> Curve:
        """What is remembered of a curve, and changed on it since."""
        if path not in self._curves:
            fcurve = self._fcurves.get(path)
            self._keys[path] = key_points.read(fcurve) if fcurve is not None else merge.Keys()
            known = self.known.curves.get(path, merge.EMPTY)
            self._curves[path] = merge.detected(known, self._keys[path], self.known.reach)
        return self._curves[path]

    def _drawn(self, path: Path, frames: np.ndarray) -> np.ndarray:
        """What her keys come to on frames, or her pose without any."""
        fcurve = self._fcurves.get(path)
        if fcurve is None or not len(fcurve.keyframe_points):
            return np.full(len(frames), generated.value_of(self.owner, path), np.float32)
        return key_points.evaluated(fcurve, frames)

    def lay_to(self, path: Path, value: float) -> None:
        """Lets the animator have had this value on a curve before."""
        curve = self._curve(path)
        self._laid[path] = value
        self._curves[path] = dataclasses.replace(curve, own=np.full_like(curve.own, value))

    def move(self, moves: Sequence[Move]) -> None:
        """Lets what the animator changed go where its speech goes, with its keys."""
        stay = 0
        for path in self._paths() if moves else ():
            curve, fcurve = self._curve(path), self._fcurves.get(path)
            if fcurve is None or not moving.goes(curve, moves):
                continue
            own = functools.partial(self.own, path)
            done = moving.moved(curve, key_points.rows(fcurve), moves, own)
            stay += len(done.left)
            key_points.replace(fcurve, done.rows)
            self._keys[path], self._curves[path] = key_points.read(fcurve), done.curve
        if stay:
            self.notes.append(
                f"What you edited of {self.owner.name} stays where it was in {stay} places: where its line is now, "
                "there are keys of yours."
            )

    def write_steps(
        self, first: int, last: int, reach: int, start: int, paths: Iterable[Path], values: Callable[[Path], np.ndarray]
    ) -> Generator[None, None, dict[Path, np.ndarray]]:
        """Writes curves from frame `start` on, for what is spoken on the frames `first` to `last`, a few at a time.

        Generated keys of other curves go. Whenever it yields, what is remembered describes the keys that are there, so
        that the file may be saved, undone or edited, and the rest be left out.

        Args:
            paths: of the curves.
            values: of one of them, float32 (frames,).

        Returns:
            All values.

        Raises:
            DGTalkerError: its action was taken away between two steps.
        """
        pace = Pace()
        self.known = dataclasses.replace(self.known, first=first, last=last, reach=reach)
        wanted: list[Path] = list(paths)
        new: dict[Path, np.ndarray] = {}
        for path in [*wanted, *(path for path in self._paths() if path not in wanted)]:
            if pace.is_long:
                self._keep(ended=False)
                if places.of(self.owner) is not None:  # else nothing was written yet by which it could be found again
                    yield
                    self._go_on()
                pace = Pace()
            if path in wanted:
                new[path] = values(path)
            self._merge(path, start, new.get(path))
        self._keep()
        return new

    def _go_on(self) -> None:
        """Finds its action again: between two steps anything may have happened, but not to what was written already
        in a way that matters, and nothing else was looked at."""
        place = places.of(self.owner)
        if place is None or (place.action, place.slot) != (self.place.action, self.place.slot):
            raise DGTalkerError(f"The action of {self.owner.name} was changed meanwhile.")
        self.place, self._fcurves = place, place.curves()

    def write_back(self) -> None:
        """Writes the generated values that are remembered, where nothing is kept any more."""
        for path in self._paths():
            curve = self._curve(path)
            self._merge(path, curve.start, curve.base)
        self._keep()

    def release(self, path: Path, first: float, last: float, kinds: Iterable[Kind]) -> None:
        """Gives what is kept in a range back: edits go, locks are taken off, her own keys are put away for speech."""
        given = tuple(kinds)
        curve = self._curve(path)
        going = [each for each in curve.kept if each.kind in given and each.end >= first and each.start <= last]
        fcurve = self._fcurves.get(path)
        removed = [each for each in going if each.kind != "LOCKED"]
        if fcurve is not None and removed:
            rows = key_points.rows(fcurve)
            gone = np.zeros(len(rows), bool)
            for each in removed:
                low, high = max(each.start, first), min(each.end, last)
                here = (rows[:, 0] >= low) & (rows[:, 0] <= high)
                here |= (rows[:, 0] > low - 1) & (rows[:, 0] < high + 1) & (rows[:, 0] % 1 != 0)
                if each.kind == "OWN":
                    covered = (*curve.covered, *map(tuple, rows[here & ~gone].tolist()))
                    curve = dataclasses.replace(curve, covered=covered)
                gone |= here
            key_points.replace(fcurve, rows[~gone])
            self._keys[path] = key_points.read(fcurve)
        self._curves[path] = merge.released(curve, first, last, given)
        if "LOCKED" in given:
            self._find_edits(path)

    def lock(self, first: int, last: int) -> int:
        """Lets generated keys of a range stay as they are; returns how many curves have some there."""
        before = {path: self._curve(path).kept for path in self._paths()}
        for path in before:
            self._curves[path] = merge.locked(self._curves[path], first, last, self.reach)
        self._keep()
        return sum(self._curves[path].kept != kept for path, kept in before.items())

    def hold_outside(self, first: int, last: int) -> list[tuple[Path, Kept]]:
        """Locks generated keys before and after a range, and takes locks off within it.

        Returns:
            The locks, for `let_go`.
        """
        held: list[tuple[Path, Kept]] = []
        for path in self._paths():
            self._curves[path] = merge.released(self._curve(path), first, last, ("LOCKED",))
            self._find_edits(path)
            curve = self._curves[path]
            for low, high in ((curve.start, first - 1), (last + 1, curve.end)):
                self._curves[path] = merge.locked(self._curves[path], low, high, self.reach)
            before = set(map(id, curve.kept))
            held += [(path, each) for each in self._curves[path].kept if id(each) not in before]
        self._keep()
        return held

    def let_go(self, held: Iterable[tuple[Path, Kept]]) -> None:
        """Takes locks off, which nothing was written under."""
        for path, lock in held:
            curve = self._curve(path)
            kept = tuple(
                each for each in curve.kept if (each.kind, each.start, each.end) != ("LOCKED", lock.start, lock.end)
            )
            self._curves[path] = dataclasses.replace(curve, kept=kept)
        self._keep()

    def clear(self) -> list[tuple[Path, Kept]]:
        """Removes generated keys, and lets the datablock have what it had before.

        Returns:
            What the animator edited: it stays, as her own.
        """
        for path in self._paths():
            curve = self._curve(path)
            unlocked = tuple(each for each in curve.kept if each.kind != "LOCKED")
            self._curves[path] = dataclasses.replace(curve, kept=unlocked)
            self._find_edits(path)
            self._merge(path, 0, None)
            self._uncover(path)
        mine = [(path, each) for path, each in self.kept if each.kind == "EDITED"]
        places.remove_empty(self.owner, self.place)
        generated.forget(self.owner)
        self.owner.update_tag()
        return mine

    def _find_edits(self, path: Path) -> None:
        """What was changed within a lock is an edit once that is off."""
        self._curves[path] = merge.detected(self._curves[path], self._keys[path], self.reach)

    def _uncover(self, path: Path) -> None:
        """Puts keys back that were taken away for speech."""
        if self._curves[path].covered:
            put_away.bring_back(self._fcurve(path), self._curves[path].covered)

    def _merge(self, path: Path, start: int, new: np.ndarray | None) -> None:
        curve = self._curve(path)
        keys = self._keys[path]
        spans = [(start, start + len(new) - 1)] if new is not None else []
        spans += [(curve.start, curve.end)] if len(curve.base) else []
        if not spans:
            return
        low = min(span[0] for span in spans) - self.reach - 1
        count = max(span[1] for span in spans) + self.reach + 2 - low
        whole = np.full(count, np.nan, np.float32)
        if new is not None:
            whole[start - low : start - low + len(new)] = new
        done = merge.merged(curve, keys, low, whole, self.own(path, low, count), self.reach)
        if len(done.frames) or path in self._fcurves:
            fcurve = self._fcurve(path)
            self._mark_edits(fcurve, keys, done.curve)
            key_points.write(fcurve, keys, done.removed, done.frames, done.values)
            if not len(fcurve.keyframe_points) and not len(fcurve.modifiers):
                self.place.bag().fcurves.remove(self._fcurves.pop(path))
                generated.set_value(self.owner, path, float(curve.own[-1]) if len(curve.own) else None)
        self._curves[path] = done.curve

    def _mark_edits(self, fcurve: bpy.types.FCurve, keys: merge.Keys, curve: Curve) -> None:
        edited = [each for each in curve.kept if each.kind == "EDITED"]
        if edited:
            hers = np.any([(keys.times >= each.start) & (keys.times <= each.end) for each in edited], axis=0)
            key_points.mark_as_hand_keys(fcurve, hers)

    def _fcurve(self, path: Path) -> bpy.types.FCurve:
        if path not in self._fcurves:
            self._fcurves[path] = self.place.bag().fcurves.new(path[0], index=path[1])
        return self._fcurves[path]

    def _keep(self, *, ended: bool = True) -> None:
        """Remembers what was written; before that has `ended`, what is to be written may be all there is."""
        curves = {path: self._curves.get(path) or self.known.curves[path] for path in self._paths()}
        kept = {path: curve for path, curve in curves.items() if len(curve.base) or curve.covered}
        before, self.known = self.known, dataclasses.replace(self.known, curves=kept)
        if kept or not ended:
            keys_properties(self.owner).dgtalker_ledger = ledger.to_text(self.known) if kept else ""
            if self.place.strip is not None and before.curves and kept:
                places.show_grown(self.owner, self.place, _reach(before), _reach(self.known))
        else:  # all is left to drivers and NLA strips: an empty ledger would pass for keys that play elsewhere
            places.remove_empty(self.owner, self.place)
            generated.forget(self.owner)
        self.owner.update_tag()


def _reach(known: Ledger) -> tuple[int, int]:
    """The first and the last frame of speech, with the way out of her pose and back to it."""
    return min(curve.start for curve in known.curves.values()), max(curve.end for curve in known.curves.values())

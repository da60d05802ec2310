// SPDX-License-Identifier: GPL-3.0-or-later
// Flamenco job type: a film with DGTalker's heads. Put this file into the folder `scripts` beside the Flamenco Manager.
//
// First one task looks at the file as a worker has to render it (engine, heads, missing files, one frame), then the chunks
// are rendered. A worker without the extension or without its engine fails with a line that says what to install.

const JOB_TYPE = {
  label: "DGTalker Render",
  description: "Render a frame range with DGTalker's heads, after a preflight",
  settings: [
    {
      key: "frames", type: "string", required: true,
      eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
      evalInfo: { showLinkButton: true, description: "Scene frame range" },
      description: "Frame range to render. Examples: '47', '1-30', '3, 5-10, 47-327'",
    },
    {
      key: "chunk_size", type: "int32", default: 25, propargs: { min: 1 }, visible: "submission",
      description: "Frames of one task: each starts Blender and the engine anew, which takes some seconds",
    },
    {
      key: "render_output_root", type: "string", subtype: "dir_path", required: true, visible: "submission",
      description: "Base directory of where pictures are stored",
    },
    {
      key: "render_output_path", type: "string", subtype: "file_path", editable: false,
      eval: "str(Path(abspath(settings.render_output_root), jobname, '{timestamp}', '######'))",
      description: "Final file path of where pictures are stored",
    },
    { key: "blendfile", type: "string", required: true, visible: "web", description: "Path of the file to render" },
    { key: "scene", type: "string", required: true, eval: "C.scene.name", visible: "web", description: "Scene to render" },
    {
      key: "engine", type: "string", required: true, eval: "C.scene.render.engine", visible: "web",
      description: "DGTALKER, or the engine of a scene that is rendered with its heads",
    },
    {
      key: "format", type: "string", required: true, eval: "C.scene.render.image_settings.file_format", visible: "web",
      description: "Format of the pictures",
    },
  ],
};

const FILMS = ["FFMPEG", "AVI_RAW", "AVI_JPEG"];
const MISSING =
  "DGTalker is not installed on this worker: install its extension (the zip) and, in its preferences, its engine.";
const CHECK = `import bpy, sys; 'preflight' in dir(bpy.ops.dgtalker) or sys.exit('${MISSING}')`;
const PREFLIGHT = `${CHECK}; bpy.ops.dgtalker.preflight()`;

function compileJob(job) {
  const settings = job.settings;
  if (FILMS.indexOf(settings.format) >= 0) {
    throw new Error("Choose a picture format: tasks cannot write one film together.");
  }
  const output = path.join(
    path.dirname(settings.render_output_path).replace("{timestamp}", formatTimestampLocal(job.created)),
    path.basename(settings.render_output_path),
  );
  const preflight = blenderTask("preflight", settings, ["--python-exit-code", "1", "--python-expr", PREFLIGHT]);
  job.addTask(preflight);
  for (const chunk of frameChunker(settings.frames, settings.chunk_size)) {
    const task = blenderTask(`render-${chunk}`, settings, [
      "--python-exit-code", "1", "--python-expr", CHECK,
      "--engine", settings.engine,
      "--render-output", output,
      "--render-format", settings.format,
      "--render-frame", chunk.replace(/-/g, ".."),
    ]);
    task.addDependency(preflight);
    job.addTask(task);
  }
}

function blenderTask(name, settings, args) {
  const task = author.Task(name, "blender");
  task.addCommand(
    author.Command("blender-render", {
      exe: "{blender}",
      exeArgs: "{blenderArgs}",
      argsBefore: [],
      blendfile: settings.blendfile,
      args: ["--scene", settings.scene, ...args],
    }),
  );
  return task;
}

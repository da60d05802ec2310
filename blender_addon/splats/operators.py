"""Import and export of splats, in the File menu and by dropping files."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from .. import ui
from ..bridge.modal import EngineOperator
from ..head import add as adding
from ..head import model, place
from . import transfer

AXES: tuple[tuple[str, str, str], ...] = (
    (transfer.USUAL, "As Usual", "Z forward and -Y up in PLY and .splat, -Z forward and Y up in SPZ and glTF"),
    *((axis, axis, "") for axis in ("X", "Y", "Z", "-X", "-Y", "-Z")),
)


class AxesOptions:
    """Mixin of operators that ask how a file's axes lie."""

    forward_axis: bpy.props.EnumProperty(
        name="Forward", description="The file's axis that points away from who looks from the front", items=AXES
    )
    up_axis: bpy.props.EnumProperty(name="Up", description="The file's axis that points up", items=AXES)
    global_scale: bpy.props.FloatProperty(name="Scale", default=1.0, min=1e-4, max=1e4)

    def axes(self) -> transfer.Axes:
        forward, up = ("" if axis == transfer.USUAL else axis for axis in (self.forward_axis, self.up_axis))
        return transfer.Axes(forward, up, self.global_scale)

    def options(self) -> dict[str, Any]:
        return {"forward_axis": self.forward_axis, "up_axis": self.up_axis, "global_scale": self.global_scale}


class ImportSplats(AxesOptions, EngineOperator, bpy.types.Operator):
    """Import Gaussian splats as a still object that is rendered like a head: PLY, .splat, SPZ, or glTF with
    KHR_gaussian_splatting; they are packed into the .blend"""

    bl_idname = "dgtalker.import_splats"
    bl_label = "Import Gaussian Splats"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return adding.disabled_reason(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            return ui.press(ChooseSplats)
        return super().invoke(context, event)

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        path = bpy.path.abspath(self.filepath)
        ob, notes = yield from transfer.import_steps(context, path, self.axes())
        place.show(context, ob)
        said = " ".join([f"{ob.name} was imported; whose it is, and under which licence, is unknown.", *notes])
        self.report({"WARNING"} if notes else {"INFO"}, said)


class ChooseSplats(AxesOptions, bpy.types.Operator):
    """Choose a file of Gaussian splats and import it as a still object"""

    bl_idname = "dgtalker.choose_splats"
    bl_label = "Import Gaussian Splats"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=";".join(f"*{each}" for each in transfer.READ), options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        # the file browser calls only execute, which would make the window wait for the engine
        ui.press(ImportSplats, filepath=self.filepath, **self.options())
        return {"FINISHED"}


class DropSplats(bpy.types.FileHandler):
    """A file of splats dropped into the 3D view becomes a still object."""

    bl_idname = "DGTALKER_FH_splats"
    bl_label = "Gaussian Splats"
    bl_import_operator = ImportSplats.bl_idname
    bl_file_extensions = ";".join(transfer.READ)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


class HeadsOperator(ui.ExplainedOperator):
    """Mixin of operators that need selected heads."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if any(map(model.is_head, context.selected_objects or ())) else "Select a Gaussian head first."


class ExportSplats(AxesOptions, HeadsOperator, EngineOperator, bpy.types.Operator):
    """Write the selected heads as the current frame has them, to a file of Gaussian splats"""

    bl_idname = "dgtalker.export_splats"
    bl_label = "Export Gaussian Splats"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    format: bpy.props.EnumProperty(name="Format", items=[(name, label, "") for name, label, _ in transfer.FORMATS])

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        path = bpy.path.abspath(self.filepath)
        if not bpy.path.basename(self.filepath):
            raise DGTalkerError("No file was chosen.", "Use File ▸ Export ▸ Gaussian Splats.")
        by_suffix = {suffix: name for name, _, suffix in transfer.FORMATS}
        chosen = self.properties.is_property_set("format")
        kind = str(self.format if chosen else by_suffix.get(Path(path).suffix.lower(), self.format))
        count, notes = yield from transfer.export_steps(context, path, kind, self.axes())
        said = " ".join([f"{count:,} Gaussians were written to {Path(path).name}.", *notes])
        self.report({"WARNING"} if notes else {"INFO"}, said)


class ChooseSplatsExport(AxesOptions, HeadsOperator, bpy.types.Operator):
    """Choose a file and write the selected heads to it as Gaussian splats, as the current frame has them"""

    bl_idname = "dgtalker.choose_splats_export"
    bl_label = "Export Gaussian Splats"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for *_, suffix in transfer.FORMATS), options={"HIDDEN"}
    )
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    format: bpy.props.EnumProperty(name="Format", items=[(name, label, "") for name, label, _ in transfer.FORMATS])

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        head = next(filter(model.is_head, context.selected_objects or ()))
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        self.filepath = str(folder / bpy.path.clean_name(head.name))
        self.check(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """The name ends as the format's files do."""
        if not bpy.path.basename(self.filepath):
            return False  # a folder, in which no name was given yet
        path, suffixes = Path(self.filepath), {name: suffix for name, _, suffix in transfer.FORMATS}
        stem = path.with_suffix("") if path.suffix in suffixes.values() else path
        wanted = f"{stem}{suffixes[self.format]}"
        changed, self.filepath = wanted != self.filepath, wanted
        return changed

    def execute(self, context: bpy.types.Context) -> set[str]:
        ui.press(ExportSplats, filepath=self.filepath, format=self.format, **self.options())
        return {"FINISHED"}


def draw_import(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator(ChooseSplats.bl_idname, text="Gaussian Splats (.ply, .splat, .spz, .glb)")


def draw_export(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator_context = "INVOKE_DEFAULT"
    menu.layout.operator(ChooseSplatsExport.bl_idname, text="Gaussian Splats (.ply, .spz, .glb)")


def add() -> None:
    importing: Any = bpy.types.TOPBAR_MT_file_import
    importing.append(draw_import)
    exporting: Any = bpy.types.TOPBAR_MT_file_export
    exporting.append(draw_export)


def remove() -> None:
    exporting: Any = bpy.types.TOPBAR_MT_file_export
    exporting.remove(draw_export)
    importing: Any = bpy.types.TOPBAR_MT_file_import
    importing.remove(draw_import)


CLASSES: tuple[type, ...] = (ImportSplats, ChooseSplats, DropSplats, ExportSplats, ChooseSplatsExport)

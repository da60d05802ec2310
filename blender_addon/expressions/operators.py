"""The gallery's buttons, and the entry of the asset browser's menu."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.expressions import EXPRESSIONS

from .. import ui
from ..bridge import engine
from ..bridge.modal import EngineOperator
from ..head import model
from ..head.operators import SliderOperator, active
from . import actions, gallery, pictures, pose
from .properties import form


class OpenExpressions(SliderOperator, bpy.types.Operator):
    """Look at the expressions that this head can be given"""

    bl_idname = "dgtalker.open_expressions"
    bl_label = "Expressions"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        form(context).open = True
        gallery.try_again()
        return {"FINISHED"}


class CloseExpressions(bpy.types.Operator):
    """Close the gallery"""

    bl_idname = "dgtalker.close_expressions"
    bl_label = "Close"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        form(context).open = False
        gallery.end()
        ui.redraw()
        return {"FINISHED"}


class _Applying(SliderOperator):
    """Mixin of operators that apply an expression to the active head."""

    amount: bpy.props.FloatProperty(
        name="Amount", default=1.0, min=0.0, max=1.0, subtype="FACTOR", options={"SKIP_SAVE"}
    )
    mirrored: bpy.props.BoolProperty(name="Mirrored", options={"SKIP_SAVE"})
    insert_keys: bpy.props.BoolProperty(
        name="Insert Keys",
        description="Key what the expression moves on this frame; with Auto Keying that happens anyway",
        options={"SKIP_SAVE"},
    )

    def values(self, context: bpy.types.Context) -> Mapping[str, float]:
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        keyed = self.insert_keys or context.scene.tool_settings.use_keyframe_insert_auto
        try:
            values = self.values(context)
            done = pose.apply(
                active(context),
                pose.mirrored_sliders(values) if self.mirrored else values,
                self.amount,
                context.scene.frame_current_final if keyed else None,
            )
        except DGTalkerError as error:
            return ui.report(self, error)
        left = [f"{active(context).name} has no {', '.join(done.lacking)}"] if done.lacking else []
        left += [f"drivers hold {', '.join(done.driven)}"] if done.driven else []
        did = f"{'Keyed' if keyed else 'Moved'} {len(done.moved)} sliders"
        self.report({"WARNING"} if left else {"INFO"}, "; ".join([did, *left]))
        return {"FINISHED"}


class ApplyExpression(_Applying, bpy.types.Operator):
    """Give the active head this expression"""

    bl_idname = "dgtalker.apply_expression"
    bl_label = "Apply Expression"

    expression: bpy.props.StringProperty(
        name="Expression", description="A built-in one, by its name", options={"SKIP_SAVE", "HIDDEN"}
    )
    action: bpy.props.StringProperty(
        name="Action", description="One that was saved in this file, instead", options={"SKIP_SAVE", "HIDDEN"}
    )

    def values(self, context: bpy.types.Context) -> Mapping[str, float]:
        if self.action:
            return actions.read(actions.named(self.action))
        if self.expression not in EXPRESSIONS:
            raise DGTalkerError(f"There is no expression {self.expression!r}.", f"Choose of {', '.join(EXPRESSIONS)}.")
        return pose.sliders_of(EXPRESSIONS[self.expression])


class ApplyExpressionAsset(_Applying, bpy.types.Operator):
    """Give the active head this expression, from this file or another one"""

    bl_idname = "dgtalker.apply_expression_asset"
    bl_label = "Apply Expression to Head"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        asset: Any = getattr(context, "asset", None)
        if asset is None or asset.id_type != "ACTION":
            return "Choose an action in the asset browser first."
        return super().disabled_reason(context)

    def values(self, context: bpy.types.Context) -> Mapping[str, float]:
        asset: Any = context.asset
        return actions.values_of_asset(asset)


class SaveExpression(SliderOperator, EngineOperator, bpy.types.Operator):
    """Save the sliders as they are as an asset of this file, with a picture of the head"""

    bl_idname = "dgtalker.save_expression"
    bl_label = "Save Expression"
    bl_options = {"UNDO"}

    title: bpy.props.StringProperty(name="Name", default="Expression", options={"SKIP_SAVE"})
    only_changed: bpy.props.BoolProperty(name="Changed Sliders Only", options={"SKIP_SAVE"})

    def work(self, context: bpy.types.Context) -> Generator[engine.Pending, None, None]:
        ob, title = active(context), self.title
        values = pose.present(ob, only_changed=self.only_changed)
        if not values:
            raise DGTalkerError("All sliders are at rest.", "Move some, or save all of them.")
        weights = model.evaluated_weights(ob, context.evaluated_depsgraph_get())
        picture = yield from pictures.drawn(ob, weights)
        action = actions.save(title or "Expression", values, picture)
        self.report({"INFO"}, f"Saved {action.name} with {len(values)} sliders")
        ui.redraw()


CLASSES: tuple[type, ...] = (OpenExpressions, CloseExpressions, ApplyExpression, ApplyExpressionAsset, SaveExpression)

"""The part of the panel that shows the words of a strip, in which they are corrected and moved."""

from __future__ import annotations

from typing import Any

import bpy

from ... import ui
from ...properties import strip_properties
from ..takes import acting, live, words
from ..timeline import strips

MOST_DIRECTIONS = 8
"""Stage directions that are listed."""


class WordList(bpy.types.UIList):
    """The words of a strip and the frames at which they start. A click goes there, a double click corrects"""

    bl_idname = "DGTALKER_UL_words"

    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: Any, active: Any, property: Any, index: int = 0
    ) -> None:
        columns = layout.split(factor=0.22)
        columns.label(text=f"{item.first_frame:.0f}")
        row = columns.row()
        row.prop(item, "text", text="", emboss=False, placeholder="(nothing is said)")
        if words.is_moved(item):
            row.label(text="", icon="ARROW_LEFTRIGHT")
        if item.text != item.found:
            row.label(text="", icon="GREASEPENCIL")

    def filter_items(self, context: Any, data: Any, property: str) -> tuple[list[int], list[int]]:
        wanted = self.filter_name.lower()
        shown = [wanted in word.text.lower() for word in getattr(data, property)]
        return [self.bitflag_filter_item if show else 0 for show in shown], []


class StripOperator(ui.ExplainedOperator):
    """What is done with the active strip."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        strip = strips.active(context)
        return "Choose a sound strip in the list first." if strip is None else cls.refused(strip)

    @classmethod
    def refused(cls, strip: Any) -> str:
        """Why it is not for this strip, or ""."""
        raise NotImplementedError


class PutWordsBack(StripOperator, bpy.types.Operator):
    """Let the words of the active strip start and end again where they were heard"""

    bl_idname = "dgtalker.put_words_back"
    bl_label = "Put Words Back"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def refused(cls, strip: Any) -> str:
        moved = any(words.is_moved(word) for word in strip_properties(strip).words)
        return "" if moved else "No word of this strip was moved."

    def execute(self, context: bpy.types.Context) -> set[str]:
        strip = strips.active(context)
        words.put_back(strip_properties(strip).words)
        head = strips.speaker(strip)
        if head is not None:
            live.follow(head)
        return {"FINISHED"}


class RecogniseAgain(StripOperator, bpy.types.Operator):
    """Forget that every word of the active strip was emptied: the next Animate recognises what is said"""

    bl_idname = "dgtalker.recognise_again"
    bl_label = "Recognise Again"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def refused(cls, strip: Any) -> str:
        return "" if words.all_emptied(strip) else "The words of this strip were not all emptied."

    def execute(self, context: bpy.types.Context) -> set[str]:
        strip_properties(strips.active(context)).words_certain = False
        return {"FINISHED"}


def draw(layout: Any, strip: Any) -> None:
    """The words that were recognised in a strip; nothing where it was not animated yet."""
    own = strip_properties(strip)
    if words.all_emptied(strip):
        row = layout.row()
        row.label(text="All words were emptied: silent", icon="GREASEPENCIL")
        row.operator(RecogniseAgain.bl_idname, icon="LOOP_BACK")
    if not len(own.words):
        return
    header, body = layout.panel("dgtalker_words")
    corrected = sum(word.text != word.found for word in own.words)
    header.label(text=f"Words: {corrected} Corrected" if corrected else "Words")
    if any(words.is_moved(word) for word in own.words):
        header.operator(PutWordsBack.bl_idname, text="", icon="LOOP_BACK", emboss=False)
    if not body:
        return
    body.template_list(WordList.bl_idname, "", own, "words", own, "active_word", rows=5, sort_lock=True)
    if 0 <= own.active_word < len(own.words):
        word = own.words[own.active_word]
        row = body.row(align=True)
        row.prop(word, "first_frame")
        row.prop(word, "last_frame")


def draw_directions(layout: Any, scene: bpy.types.Scene, strip: Any) -> None:
    """The stage directions in a strip's transcript: at which frame they count, and which mean nothing."""
    found = acting.placed(scene, strip)
    if not found:
        return
    header, body = layout.panel("dgtalker_stage_directions")
    header.label(text=f"Stage Directions: {len(found)}")
    if not body:
        return
    zero, clock = strips.file_start(scene, strip), strips.clock(scene)
    column = body.column(align=True)
    for each in found[:MOST_DIRECTIONS]:
        columns = column.split(factor=0.22)
        columns.active = each.direction.known
        columns.label(text=f"{zero + clock.frames(each.start):.0f}")
        columns.label(text=each.direction.text, icon="NONE" if each.direction.known else "QUESTION")
    if len(found) > MOST_DIRECTIONS:
        column.label(text=f"and {len(found) - MOST_DIRECTIONS} more", icon="BLANK1")


CLASSES = (WordList, PutWordsBack, RecogniseAgain)

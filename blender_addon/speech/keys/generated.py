"""The generated keys of one datablock: plain keys in its action, around what the animator makes of them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError

from ... import animation_data
from ...properties import keys_properties
from . import key_points, ledger, merge, places, put_away
from . import moves as moving
from .ledger import Ledger, Path
from .merge import Curve, Kept, Kind
from .moves import Move


class Sheet:
    """A datablock's keys while they are written: what is remembered, with what the animator changed since.

    Attributes:
        notes: sentences for the user.
    """

    def __init__(self, owner: bpy.types.ID, name: str) -> None:
        self.owner = owner
        self.notes: list[str] = []
        self.place, self.known = places.ensured(owner, name, self.notes)
        self._fcurves = self.place.curves()
        self._keys = {path: key_points.read(curve) for path, curve in self._fcurves.items()}
        self._curves = detected(self.known, self._keys)
        self._laid: dict[Path, float] = {}

    @property
    def reach(self) -> int:
        return self.known.reach

    @property
    def kept(self) -> list[tuple[Path, Kept]]:
        """What generated keys stay out of, by curve and frames."""
        return [(path, each) for path, curve in self._curves.items() for each in curve.kept]

    def own(self, path: Path, start: int, count: int) -> np.ndarray:
        """What the animator had on a curve before: her pose, or her keys; float32 (count,) from frame `start` on."""
        curve = self._curves.get(path, merge.EMPTY)
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
                times = self._keys.get(path, merge.Keys()).times
                for side, beyond, edge in (
                    (unknown[start + unknown < curve.start], times < curve.start, curve.own[0]),
                    (unknown[start + unknown > curve.end], times > curve.end, curve.own[-1]),
                ):
                    # Without a key of hers out there, the curve goes on with the line's end, which she may have edited.
                    values[side] = self._drawn(path, start + side) if beyond.any() else edge
        return values

    def _drawn(self, path: Path, frames: np.ndarray) -> np.ndarray:
        """What her keys come to on frames, or her pose without any."""
        fcurve = self._fcurves.get(path)
        if fcurve is None or not len(fcurve.keyframe_points):
            return np.full(len(frames), value_of(self.owner, path), np.float32)
        return key_points.evaluated(fcurve, frames)

    def lay_to(self, path: Path, value: float) -> None:
        """Lets the animator have had this value on a curve before."""
        curve = self._curves.get(path, merge.EMPTY)
        self._laid[path] = value
        self._curves[path] = dataclasses.replace(curve, own=np.full_like(curve.own, value))

    def move(self, moves: Sequence[Move]) -> None:
        """Lets what the animator changed go where its speech goes, with its keys."""
        stay = 0
        for path, curve in list(self._curves.items()):
            fcurve = self._fcurves.get(path)
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

    def write(self, first: int, last: int, reach: int, start: int, new: Mapping[Path, np.ndarray]) -> None:
        """Writes the curves `new` from frame `start` on, for what is spoken on the frames `first` to `last`.

        Generated keys of other curves go.
        """
        self.known = dataclasses.replace(self.known, first=first, last=last, reach=reach)
        for path in [*new, *(path for path in self._curves if path not in new)]:
            self._merge(path, start, new.get(path))
        self._keep()

    def write_back(self) -> None:
        """Writes the generated values that are remembered, where nothing is kept any more."""
        for path, curve in list(self._curves.items()):
            self._merge(path, curve.start, curve.base)
        self._keep()

    def release(self, path: Path, first: float, last: float, kinds: Iterable[Kind]) -> None:
        """Gives what is kept in a range back: edits go, locks are taken off, her own keys are put away for speech."""
        given = tuple(kinds)
        curve = self._curves[path]
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
        before = {path: curve.kept for path, curve in self._curves.items()}
        for path, curve in self._curves.items():
            self._curves[path] = merge.locked(curve, first, last, self.reach)
        self._keep()
        return sum(self._curves[path].kept != kept for path, kept in before.items())

    def hold_outside(self, first: int, last: int) -> list[tuple[Path, Kept]]:
        """Locks generated keys before and after a range, and takes locks off within it.

        Returns:
            The locks, for `let_go`.
        """
        held: list[tuple[Path, Kept]] = []
        for path, curve in list(self._curves.items()):
            self._curves[path] = merge.released(curve, first, last, ("LOCKED",))
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
            curve = self._curves.get(path, merge.EMPTY)
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
        for path, curve in list(self._curves.items()):
            unlocked = tuple(each for each in curve.kept if each.kind != "LOCKED")
            self._curves[path] = dataclasses.replace(curve, kept=unlocked)
            self._find_edits(path)
            self._merge(path, 0, None)
            self._uncover(path)
        mine = [(path, each) for path, each in self.kept if each.kind == "EDITED"]
        self._remove_empty_action()
        forget(self.owner)
        self.owner.update_tag()
        return mine

    def _find_edits(self, path: Path) -> None:
        """What was changed within a lock is an edit once that is off."""
        self._curves[path] = merge.detected(self._curves[path], self._keys.get(path, merge.Keys()), self.reach)

    def _uncover(self, path: Path) -> None:
        """Puts keys back that were taken away for speech."""
        if self._curves[path].covered:
            put_away.bring_back(self._fcurve(path), self._curves[path].covered)

    def _remove_empty_action(self) -> None:
        """An action that was made for speech goes with it, unless there is something else in it."""
        noted, action = keys_properties(self.owner), self.place.action
        empty = not any(bag.fcurves for bag in animation_data.channelbags(action))
        if noted.dgtalker_made and empty and self.place.strip is None and len(self.place.slot.users()) <= 1:
            bpy.data.actions.remove(action)

    def _merge(self, path: Path, start: int, new: np.ndarray | None) -> None:
        curve, keys = self._curves.get(path, merge.EMPTY), self._keys.get(path, merge.Keys())
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
                set_value(self.owner, path, float(curve.own[-1]) if len(curve.own) else None)
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

    def _keep(self) -> None:
        kept = {path: curve for path, curve in self._curves.items() if len(curve.base) or curve.covered}
        before, self.known = self.known, dataclasses.replace(self.known, curves=kept)
        if kept:
            keys_properties(self.owner).dgtalker_ledger = ledger.to_text(self.known)
            if self.place.strip is not None and before.curves:
                places.show_grown(self.owner, self.place, _reach(before), _reach(self.known))
        else:  # all is left to drivers and NLA strips: an empty ledger would pass for keys that play elsewhere
            self._remove_empty_action()
            forget(self.owner)
        self.owner.update_tag()


def _reach(known: Ledger) -> tuple[int, int]:
    """The first and the last frame of speech, with the way out of her pose and back to it."""
    return min(curve.start for curve in known.curves.values()), max(curve.end for curve in known.curves.values())


def detected(known: Ledger, keys: Mapping[Path, merge.Keys]) -> dict[Path, Curve]:
    """The curves of a ledger with what the animator changed since it was written."""
    return {
        path: merge.detected(curve, keys.get(path, merge.Keys()), known.reach) for path, curve in known.curves.items()
    }


def kept_of(owner: bpy.types.ID) -> list[tuple[Path, Kept]]:
    """What generated keys stay out of at present, by curve and frames."""
    place = places.of(owner)
    if place is None:
        return []
    known = places.ledger_of(owner)
    curves = place.curves()
    keys = {path: key_points.read(curves[path]) for path in known.curves if path in curves}
    return [(path, each) for path, curve in detected(known, keys).items() for each in curve.kept]


def has(owner: bpy.types.ID) -> bool:
    """Whether a datablock has generated keys."""
    return bool(keys_properties(owner).dgtalker_ledger)


def forget(owner: bpy.types.ID) -> None:
    """Lets all keys be the animator's own."""
    noted = keys_properties(owner)
    noted.dgtalker_ledger, noted.dgtalker_action, noted.dgtalker_slot, noted.dgtalker_made = "", None, 0, False


def overwrite(owner: bpy.types.ID, curves: Mapping[Path, tuple[np.ndarray, np.ndarray]]) -> None:
    """Changes keys at frames as an animator would: they are hers from then on."""
    place = places.of(owner)
    for path, fcurve in place.curves().items() if place else ():
        if path in curves:
            rows = key_points.rows(fcurve)
            values = dict(zip(*(each.tolist() for each in curves[path]), strict=True))
            for row in rows:
                row[1] = values.get(round(row[0]), row[1])
            key_points.replace(fcurve, rows)


def bake(owner: bpy.types.ID, name: str, notes: list[str]) -> None:
    """`forget`, with keys that look like hers; also where what is remembered is damaged.

    Args:
        name: of the speaker, for people.
        notes: gets sentences for the user.
    """
    with contextlib.suppress(DGTalkerError):
        put_away.save(owner, name, places.ledger_of(owner).curves, notes)
        place = places.of(owner)
        for path, curve in place.curves().items() if place else ():
            if path in places.ledger_of(owner).curves:
                key_points.mark_as_hand_keys(curve, np.ones(len(curve.keyframe_points), bool))
    forget(owner)


def value_of(owner: bpy.types.ID, path: Path) -> float:
    """The value of a property now."""
    found: Any = owner.path_resolve(path[0])
    return float(found[path[1]]) if hasattr(found, "__len__") else float(found)


def limits(key: bpy.types.Key, path: str) -> tuple[float, float]:
    """The ends of a slider, beyond which Blender evaluates no value."""
    block: Any = key.path_resolve(path.rpartition(".")[0])
    return block.slider_min, block.slider_max


def set_value(owner: bpy.types.ID, path: Path, value: float | None) -> None:
    """Sets a property, where it is still there."""
    if value is None:
        return
    try:
        found: Any = owner.path_resolve(path[0])
    except ValueError:
        return
    if hasattr(found, "__len__"):
        found[path[1]] = value
    else:
        resolve: Callable[[str], Any] = owner.path_resolve
        holder, _, name = path[0].rpartition(".")
        setattr(resolve(holder) if holder else owner, name, value)

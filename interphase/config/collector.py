"""What a bare collector can hold: nuclei that the grid resolves, a coating, and its bond."""

from interphase.config import quantities, schema
from interphase.config.load import StudyError
from interphase.config.nuclei import caps

FEWEST_CELLS = 6  # of a nucleus' height and half its width
FEWEST_CELLS_OF_A_BASE = 3  # of half its width on the collector
WIDEST = 0.45  # half a nucleus' width, of the box
THINNEST_BOND = 3  # cells


def _nm(length: float) -> str:
    return quantities.pretty(length, "m")


def bond_thickness(collector: schema.Collector, normal_spacing: float) -> float:
    """As given, or as thin as the grid resolves [m]."""
    return collector.bond_thickness or THINNEST_BOND * normal_spacing


def check_collector(collector: schema.Collector, study: schema.Study, spacing: list[float]) -> None:
    """Raises `StudyError` where something other than lithium would have to react, or the grid resolves too little."""
    in_plane, normal = len(spacing) - 1, spacing[-1]
    if study.electrolyte is None:
        raise StudyError(
            "collector: beside nuclei a solid electrolyte would lie on bare metal, and no contact is known there; give "
            "an electrolyte, or a surface"
        )
    if not collector.nuclei and study.nucleation is None:
        raise StudyError("collector.nuclei is empty, and current flows to lithium only; give nuclei, or a nucleation")
    for k, nucleus in enumerate(collector.nuclei):
        given = in_plane if nucleus.centre is None else len(nucleus.centre)
        if given != in_plane:
            raise StudyError(
                f"collector.nuclei[{k}].centre has {given} numbers; give one per in-plane axis, {in_plane}"
            )
    for cap in caps(study):
        smallest = min(cap.height / normal, cap.half_width / max(spacing[:-1])) / FEWEST_CELLS
        smallest = min(smallest, cap.base / max(spacing[:-1]) / FEWEST_CELLS_OF_A_BASE)
        if smallest < 1 - 1e-9:
            radius = f"give a radius of at least {_nm(cap.radius / smallest)}"
            remedy = radius if cap.key != "nucleation" else "lower nucleation.overpotential"
            raise StudyError(
                f"{cap.key}: a nucleus {_nm(cap.height)} high and {_nm(2 * cap.base)} wide on the collector is "
                f"under-resolved by cells of {_nm(max(spacing))}; {remedy}, or more cells"
            )
        if cap.half_width > WIDEST * min(study.grid.size[:-1]):
            raise StudyError(
                f"{cap.key}: a nucleus {_nm(2 * cap.half_width)} wide leaves next to no collector bare; make it "
                "smaller, or give a surface in place of the collector"
            )
    _check_bond(collector, study, normal)


def _check_bond(collector: schema.Collector, study: schema.Study, normal: float) -> None:
    """A bond holds a coating, which is thicker, and the grid resolves it."""
    if collector.adhesion is None:
        if collector.bond_thickness is not None:
            raise StudyError("collector.bond_thickness: the coating never lets go; give an adhesion, or leave it out")
        return
    if study.coating is None:
        raise StudyError("collector.adhesion: there is nothing that it could hold; give a coating, or leave it out")
    if any(any(layer.relaxed_fraction or ()) for layer in study.coating.layers):
        raise StudyError(
            "collector.adhesion: what is elastic for good in a layer with a relaxed_fraction would never let go; leave "
            "one of the two out"
        )
    thickness, least = bond_thickness(collector, normal), THINNEST_BOND * normal
    if thickness < least * (1 - 1e-9):
        raise StudyError(
            f"collector.bond_thickness = {_nm(thickness)} is under-resolved by cells of {_nm(normal)}; give at least "
            f"{_nm(least)}"
        )
    if 2 * thickness > sum(layer.thickness for layer in study.coating.layers) * (1 + 1e-9):
        raise StudyError(
            f"collector.bond_thickness = {_nm(thickness)} is more than half of the coating; give less, or a thicker "
            "coating"
        )

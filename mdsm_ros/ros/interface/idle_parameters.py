"""Parameters that were set and have no effect beside the model and the other parameters.

They are no errors: one file of parameters may serve several models, and what is idle now may be needed later.
"""

from __future__ import annotations

from dataclasses import fields

from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.ros.interface.parameters import Parameters

OF_REFINEMENT = ("num_samples", "latency_budget", "warm_start", "seed")
OF_DEPTH = ("target_frame", "transform_timeout", "gripper_width", "depth_transport", "rectified", "depth_tolerance")


def idle_parameters(
    parameters: Parameters, defaults: InferenceSettings, *, refines: bool, finds_objects: bool
) -> dict[str, str]:
    """The reason why a parameter has no effect, by its name; only for values that are not the default.

    Args:
        parameters: Values of all parameters.
        defaults: The model's own settings.
        refines: Whether the model has a second stage.
        finds_objects: Whether the model itself finds every object of a noun.
    """
    reasons: dict[str, str] = {}
    if not refines:
        reasons |= dict.fromkeys(OF_REFINEMENT, "the model has one stage")
        if parameters.num_inference_steps > 0:
            reasons["num_inference_steps"] = "the model has one stage"
    elif parameters.inference(defaults).num_inference_steps == 0:
        reasons |= dict.fromkeys(OF_REFINEMENT, "there are 0 refinement steps")
    if finds_objects:
        reasons["one_object"] = "the model finds single objects itself"
    if not parameters.target_frame:
        reasons["transform_timeout"] = "parameter target_frame is empty"
    if not parameters.depth:
        reasons |= dict.fromkeys(OF_DEPTH, "parameter depth is false")
    if not parameters.track:
        reasons["track_model"] = "parameter track is false"
    if not parameters.ask:
        reasons["ask_margin"] = "parameter ask is false"
    if not parameters.keep_hard_frames:
        reasons["hard_frames_megabytes"] = "parameter keep_hard_frames is empty"
    changed = {one.name for one in fields(Parameters) if getattr(parameters, one.name) != one.default}
    return {name: reason for name, reason in sorted(reasons.items()) if name in changed}

"""The lights of a room: even light in procedural rooms; lamps, daylight and exposure in rooms with a look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mdsm_ros.homes.home import WALL_HEIGHT, Room

if TYPE_CHECKING:
    import mujoco

RGB = tuple[float, float, float]
WIDE = 88.0  # degrees to each side of a light's direction
ALL_AROUND = 180.0
SKY: RGB = (0.94, 0.97, 1.05)
BULB: RGB = (1.0, 0.92, 0.8)


@dataclass(frozen=True)
class Light:
    """One light; ``cutoff`` in degrees, ``fade`` is the attenuation with the square of the distance in metres."""

    position: tuple[float, float, float]
    direction: tuple[float, float, float]
    color: RGB
    shadow: bool = False
    cutoff: float = WIDE
    fade: float = 0.0


@dataclass(frozen=True)
class Lighting:
    """All light in a room; ``ambient`` is everywhere, ``camera`` is the light at the camera."""

    ambient: RGB
    camera: float
    lights: list[Light] = field(default_factory=list)

    def add_camera_light(self, spec: mujoco.MjSpec) -> None:
        """Sets the light at the camera."""
        spec.visual.headlight.ambient = list(self.ambient)
        spec.visual.headlight.diffuse = [self.camera] * 3
        spec.visual.headlight.specular = [0.05] * 3

    def add_lights(self, spec: mujoco.MjSpec) -> None:
        """Adds the lights of the room, without the camera's."""
        for light in self.lights:
            spec.worldbody.add_light(
                pos=list(light.position),
                dir=list(light.direction),
                diffuse=list(light.color),
                specular=[0.1] * 3,
                castshadow=light.shadow,  # each shadow costs another rendering pass
                cutoff=light.cutoff,
                attenuation=[1.0, 0.0, light.fade],
            )


def even_ambient(rng: np.random.Generator) -> Lighting:
    """Returns the even light of a procedural room, without its ceiling lights."""
    ambient = float(rng.uniform(0.44, 0.58))
    return Lighting((ambient, ambient, ambient), float(rng.uniform(0.24, 0.4)))


def ceiling_lights(room: Room, rng: np.random.Generator) -> list[Light]:
    """Returns two lights below the ceiling; one of them casts shadows."""
    lights = []
    for index in range(2):
        x, y = (float(rng.uniform(-0.3, 0.3) * side) for side in room.size)
        glow = float(rng.uniform(0.28, 0.45))
        warmth = float(rng.uniform(0.82, 1.0))
        direction = (float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.2, 0.2)), -1.0)
        color = (glow, glow * (0.5 + 0.5 * warmth), glow * warmth)
        lights.append(Light((x, y, WALL_HEIGHT - 0.35), direction, color, shadow=index == 0))
    return lights


def lighting(room: Room, rng: np.random.Generator) -> Lighting:
    """Returns the light of a room with a look; the window (by day) or the ceiling casts shadows."""
    assert room.look is not None
    if room.look.mood == "even":
        base = even_ambient(rng)
        return _exposed(Lighting(base.ambient, base.camera * 0.6, ceiling_lights(room, rng)), room.look.exposure)
    lamps = [_lamp(item.center, rng) for item in room.items if item.lit]
    if room.look.mood == "day":
        strength, tone = float(rng.uniform(0.36, 0.56)), SKY
        main = _daylight(room, rng)
    else:
        strength, tone = float(rng.uniform(0.22, 0.4)), BULB
        color = _warm(float(rng.uniform(0.2, 0.5)), rng)
        main = Light((0.0, 0.0, WALL_HEIGHT - 0.3), (0.0, 0.0, -1.0), color, shadow=True)
    ambient = (strength * tone[0], strength * tone[1], strength * tone[2])
    return _exposed(Lighting(ambient, float(rng.uniform(0.05, 0.2)), [main, *lamps]), room.look.exposure)


def _daylight(room: Room, rng: np.random.Generator) -> Light:
    """Returns sky light through a window of the room, or through an invisible opening."""
    windows = [item.center for item in room.items if item.kind == "window"]
    side = float(rng.choice((-1.0, 1.0)))
    x, y, _ = windows[0] if windows else (side * room.size[0] / 2, 0.0, 1.5)
    inwards = np.array((-x, -y, 0.0)) / max(float(np.hypot(x, y)), 1e-6)
    strength = float(rng.uniform(0.55, 0.9))
    color = (strength, strength * 0.98, strength * float(rng.uniform(0.9, 1.05)))
    position = np.array((x, y, WALL_HEIGHT - 0.45)) + 0.25 * inwards
    sideways, forwards = float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.3, 0.3))
    direction = (float(inwards[0]) + sideways, float(inwards[1]) + forwards, -0.75)
    return Light((float(position[0]), float(position[1]), float(position[2])), direction, color, shadow=True)


def _lamp(center: tuple[float, float, float], rng: np.random.Generator) -> Light:
    x, y, z = center
    return Light(
        (x, y, z + 0.05), (0.0, 0.0, -1.0), _warm(float(rng.uniform(0.35, 0.7)), rng), cutoff=ALL_AROUND, fade=0.35
    )


def _warm(strength: float, rng: np.random.Generator) -> RGB:
    warmth = float(rng.uniform(0.6, 1.0))
    return (strength, strength * (0.6 + 0.4 * warmth), strength * (0.25 + 0.75 * warmth))


def _exposed(light: Lighting, exposure: float) -> Lighting:
    def scaled(color: RGB) -> RGB:
        r, g, b = color
        return r * exposure, g * exposure, b * exposure

    lights = [
        Light(one.position, one.direction, scaled(one.color), one.shadow, one.cutoff, one.fade) for one in light.lights
    ]
    return Lighting(scaled(light.ambient), light.camera * exposure, lights)

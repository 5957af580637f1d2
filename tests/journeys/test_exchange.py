"""A project of another program is brought here from the shell, labelled on, and taken back."""

import json

import numpy as np
import pytest
from PIL import Image

from tacit.project import Project


@pytest.fixture
def photos(tmp_path, digits):
    x, y = digits
    for i in range(60):
        folder = tmp_path / "photos" / str(y[i])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.kron(x[i, 0], np.ones((2, 2), np.uint8))).save(folder / f"{i}.png")
    Project.create(tmp_path / "photos", truth="folders")
    return sorted(path.relative_to(tmp_path / "photos").as_posix() for path in (tmp_path / "photos").rglob("*.png"))


def written(folder, name, content):
    (folder / name).write_text(json.dumps(content))
    return content


def test_a_label_studio_project_comes_is_labelled_on_and_goes_back(tacit, photos, tmp_path):
    def tasks_of(person):
        return [
            {
                "id": i,
                "data": {"image": f"/data/upload/3/0a1b2c3d-{path.split('/')[1]}"},
                "annotations": [
                    {
                        "id": 100 + i,
                        "completed_by": person,
                        "result": [
                            {
                                "from_name": "digit",
                                "to_name": "image",
                                "type": "choices",
                                "value": {"choices": [path[0]]},
                            }
                        ],
                    }
                ],
                "meta": {"left": "as it is"},
            }
            for i, path in enumerate(photos[:40])
        ]

    tasks = written(tmp_path, "tasks.json", tasks_of({"id": 1, "email": "ann@x.org"}))
    done = tacit.json("label", "--import", "tasks.json")
    assert (done["format"], done["recorded"], done["kept"]) == ("label-studio", 40, 40)

    said = tacit.error(2, "label", "--export", "back.json")
    assert "--format label-studio" in said and "--format coco" in said
    tacit("label", "--export", "back.json", "--format", "label-studio")
    assert json.loads((tmp_path / "back.json").read_text()) == tasks

    tacit("choose", "random", "-k", "5")
    tacit("label", "--oracle")
    done = tacit.json("label", "--export", "back.json", "--format", "label-studio", "--overwrite")
    back = json.loads((tmp_path / "back.json").read_text())
    assert done["added"] == 5 and back[:40] == tasks and len(back) == 40 + done["new"]


def test_a_coco_file_comes_and_goes_with_its_boxes(tacit, photos, tmp_path):
    document = {
        "info": {"contributor": "somebody"},
        "images": [{"id": i, "file_name": path, "license": 1} for i, path in enumerate(photos[:20])],
        "annotations": [
            {"id": i, "image_id": i, "category_id": int(path[0]), "bbox": [0, 0, 4, 4], "segmentation": []}
            for i, path in enumerate(photos[:20])
        ],
        "categories": [{"id": i, "name": f"digit {i}"} for i in range(10)],
    }
    written(tmp_path, "instances.json", document)
    assert tacit.json("label", "--import", "instances.json")["format"] == "coco"
    tacit("label", "--export", "back/instances.json", "--format", "coco")
    assert json.loads((tmp_path / "back" / "instances.json").read_text()) == document


def test_mistakes_are_answered_with_what_to_type(tacit, photos, tmp_path):
    written(tmp_path, "tasks.json", [{"id": 7, "data": {"image": "nowhere.png"}, "annotations": [
        {"result": [{"from_name": "c", "to_name": "i", "type": "choices", "value": {"choices": ["cat"]}}]}
    ]}])  # fmt: skip
    said = tacit.error(3, "label", "--import", "tasks.json")
    assert "task 1 (id 7): 'nowhere.png' 'cat'" in said and "--skip-unknown" in said
    assert tacit.json("label", "--import", "tasks.json", "--skip-unknown")["unknown"] == 1
    assert "did you mean: coco?" in tacit.error(2, "label", "--import", "tasks.json", "--format", "cocoa")

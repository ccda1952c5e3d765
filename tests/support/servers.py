"""The server's application in front of studies in a folder, asked without a network in between."""

import asyncio
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import Trial

from studyhall.search.server.application import create_application, end_threads
from studyhall.search.server.auth.access import Access
from studyhall.search.server.cache import ShortCache
from studyhall.search.server.dashboard import Dashboard
from studyhall.search.server.served import Served
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle.fetching import Facts, publish
from studyhall.studies.definition import Definition
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study


class Site:
    """Studies in a folder, and the server's application in front of them, asked without a network in between.

    What the server keeps for a moment, it keeps until `later`.
    """

    def __init__(self, folder: Path, template: Path) -> None:
        shutil.copy(template, folder / "studies.db")
        self.folder = folder
        self.url = f"sqlite:///{folder}/studies.db"
        self.storage = open_storage(self.url, create=False)
        self.store = open_artifact_store(str(folder / "artifacts"), create=True)
        self.catalogue = Catalogue(self.url)
        self._seconds = 0.0
        self._runner = asyncio.Runner()
        self.serve()

    def serve(self, **options: Any) -> None:
        """Serve the studies from now on as a `Served` with these options."""
        self.served = Served(self.url, self.catalogue, cache=ShortCache(lambda: self._seconds), **options)
        self.dashboard = Dashboard(self.served)
        self.application = create_application(self.served, Access(), self.dashboard)

    def study(self, name: str = "bss", trials: int = 4, **sections: Any) -> Study:
        """Create a study."""
        content = {"name": name, "search": {"trials": trials}, "training": {"epochs": 5}} | sections
        return Study.create_or_join(self.storage, Definition.model_validate(content))

    def claim(self, study: Study, values: Sequence[float] = (), worker: str = "", **facts: Any) -> Trial:
        """Take the study's next trial, have it report an epoch for each value, and record facts about it."""
        trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner(), worker=worker)
        assert trial is not None
        for epoch, value in enumerate(values, 1):
            trial.report(value, epoch)
        for key, fact in facts.items():
            trial.set_user_attr(key, fact)
        return trial

    def publish(self, study: Study, **files: bytes) -> None:
        """Publish a bundle: a model, a history, and what else is given, with "." for "_" in the names."""
        folder = self.folder / f"bundle-{secrets.token_hex(4)}"
        folder.mkdir()
        contents = {"model.keras": b"weights", "history.json": b'{"loss": [1.0]}'}
        contents |= {name.replace("_", "."): content for name, content in files.items()}
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        facts = Facts(
            study=study.name,
            definition=study.definition.record(),
            signature=study.signature,
            hyperparameters={"filters": 8},
            source="retrained",
            why="retraining reached 0.1, the trial 0.2",
            trial=0,
            parameters=1234,
            seeds={},
            data_fingerprint="f00",
            versions={},
            revision=None,
            backend="jax",
            device="cpu",
            metrics={"validation": 0.1, "test": {"joint": {"mean": 0.0016, "std": 0.00002}}},
        )
        publish(folder, facts, self.store, self.storage, study.id)

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Ask as a program does, unless `headers` say otherwise ("_" for "-"); redirects are not followed."""
        return self.ask_together([path], method, **headers)[0]

    def ask_together(self, paths: Sequence[str], method: str = "GET", **headers: str) -> list[httpx.Response]:
        """Ask for several pages at once."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}

        async def ask_all() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await asyncio.gather(*(client.request(method, each, headers=sent) for each in paths))

        return self._runner.run(ask_all())

    def later(self) -> None:
        """Let what the server keeps grow old."""
        self._seconds += 1000.0

    def close(self) -> None:
        """End everything."""
        end_threads(self.application)
        self.dashboard.close()
        self.catalogue.close()
        self.storage.close()
        self._runner.close()

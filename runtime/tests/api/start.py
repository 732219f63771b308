"""The type of the fixture `start_api`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from fixtures.runtime_client.judged_api import JudgedApi

StartApi: TypeAlias = Callable[..., AbstractContextManager[JudgedApi]]

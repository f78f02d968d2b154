"""A stand-in for a GPU: another device, whose numbers are computed by the CPU's kernels.

    with computing_elsewhere():
        ...                          # the lab's networks are there

Whatever is made there or moved there is an `Away`: a tensor whose ``device`` is another one ("meta", torch's
name for a device without memory, is borrowed for it) and whose values lie in an ordinary tensor that nobody
else sees.  It is as strict as CUDA:

- an operation on tensors of both devices is refused, but for numbers (CPU tensors without dimensions) in
  element-wise operations, copies, and indices on the CPU into a tensor that is away;
- ``.numpy()`` is refused, and so is a generator of the CPU;
- a draw of random numbers there is refused, which CUDA would allow: they are to be the same everywhere.

With ``doubles=False`` it refuses double precision as well, as Apple's MPS does.  What a GPU rounds
differently is not imitated: what is computed here must equal the CPU's numbers bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from normviz.lab import devices

DEVICE = torch.device("meta")
_CPU = torch.device("cpu")

_aten = torch.ops.aten
_COPIES = (_aten.copy_.default, _aten._to_copy.default)
_CHOOSE = (
    _aten.index.Tensor,
    _aten.index_put_.default,
    _aten.index_put.default,
    _aten._index_put_impl_.default,
)
_MAKERS = "tensor", "as_tensor"
_RESHAPES_ITSELF = {"resize_", "set_", "unsqueeze_", "squeeze_", "transpose_", "t_", "as_strided_"}


class Away(torch.Tensor):
    """A tensor on the stand-in; ``held`` has its values."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Away:
        made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(),
            dtype=held.dtype, device=DEVICE, requires_grad=False,
        )  # fmt: skip
        made.held = held
        return made  # type: ignore[no-any-return]

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Away({self.held})"

    def tolist(self) -> Any:
        """Values, by way of the CPU."""
        return self.cpu().tolist()

    def new_tensor(self, data: Any, *, dtype: torch.dtype | None = None) -> torch.Tensor:  # type: ignore[override]
        """Of the same device and, if no other is given, the same dtype."""
        return torch.tensor(data, dtype=dtype or self.dtype).to(DEVICE)

    def numpy(self, **options: Any) -> Any:
        """Refused, in CUDA's words."""
        raise TypeError(f"can't convert {DEVICE} device type tensor to numpy. Use Tensor.cpu() first")

    # A list as an index is made a tensor by torch, which would forget its values.

    def __getitem__(self, index: Any) -> torch.Tensor:  # type: ignore[override]
        return super().__getitem__(_indices(index))

    def __setitem__(self, index: Any, value: Any) -> None:  # type: ignore[override]
        super().__setitem__(_indices(index), value)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} on the stand-in, outside of `with Elsewhere()`")


class Elsewhere(TorchDispatchMode):
    """While it is entered, the stand-in is there."""

    def __init__(self, doubles: bool = True) -> None:
        super().__init__()
        self.doubles = doubles
        self.computed: set[str] = set()
        """Names of the operations that were computed there."""

    def __enter__(self) -> Elsewhere:
        self._patches = [mock.patch.object(torch, one, _keeping(getattr(torch, one))) for one in _MAKERS]
        for one in self._patches:
            one.start()
        super().__enter__()
        return self

    def __exit__(self, *how: Any) -> None:
        super().__exit__(*how)
        for one in self._patches:
            one.stop()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, torch.Tensor)]
        away = any(isinstance(one, Away) for one in given)
        to = kwargs.get("device")
        if not away and (to is None or to.type != DEVICE.type):
            return func(*args, **kwargs)
        if to is not None:
            kwargs["device"] = _CPU
        if away:
            _refuse_mixing(func, args, given)
        self._refuse_drawing(func, kwargs)
        there = DEVICE.type == to.type if to is not None else True
        if func is _aten._local_scalar_dense.default:
            return func(args[0].held)
        name = func._schema.name.removeprefix("aten::")
        self.computed.add(name)
        if name in _RESHAPES_ITSELF:
            raise NotImplementedError(f"{name} on the stand-in")
        result = func(*tree_map(_inner, args), **tree_map(_inner, kwargs))
        changed = [
            one for argument, one in _by_argument(func, args, kwargs)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]  # fmt: skip
        if changed and func._schema.returns:
            return changed[0] if len(func._schema.returns) == 1 else tuple(changed)
        return tree_map(self._wrapped, result) if there else result

    def _wrapped(self, one: Any) -> Any:
        if not isinstance(one, torch.Tensor):
            return one
        if one.dtype == torch.float64 and not self.doubles:
            raise TypeError("the stand-in has no float64, as MPS has none")
        return Away(one)

    @staticmethod
    def _refuse_drawing(func: Any, kwargs: dict[str, Any]) -> None:
        if kwargs.get("generator") is not None:
            raise RuntimeError("Expected a 'meta' device type for generator but found 'cpu'")
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise RuntimeError(f"{func} draws random numbers on the device; they are drawn on the CPU")


def _keeping(make: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """torch.tensor, but with its values: for a device without memory it would forget them."""

    def made(*args: Any, **kwargs: Any) -> torch.Tensor:
        if not _is_away(kwargs.get("device")):
            return make(*args, **kwargs)
        return make(*args, **{**kwargs, "device": _CPU}).to(DEVICE)

    return made


def _is_away(device: Any) -> bool:
    return device is not None and torch.device(device).type == DEVICE.type


def _indices(index: Any) -> Any:
    """Lists as tensors, with their values."""
    if isinstance(index, tuple):
        return tuple(map(_indices, index))
    return torch.tensor(index) if isinstance(index, list) else index


def _inner(one: Any) -> Any:
    return one.held if isinstance(one, Away) else one


def _by_argument(func: Any, args: Any, kwargs: dict[str, Any]) -> list[tuple[Any, Any]]:
    names = func._schema.arguments
    told = list(zip(names, args, strict=False))
    return told + [(one, kwargs[one.name]) for one in names[len(args) :] if one.name in kwargs]


def _refuse_mixing(func: Any, args: Any, given: list[torch.Tensor]) -> None:
    here = [one for one in given if not isinstance(one, Away)]
    if func in _COPIES or not here:
        return
    if func in _CHOOSE and isinstance(args[0], Away):
        here = [one for one in here if not any(one is index for index in args[1])]
        if not here or (here[0].dim() == 0 and len(args) > 2):
            return
    elif torch.Tag.pointwise in func.tags and all(one.dim() == 0 and one is not args[0] for one in here):
        return  # a number may go with a tensor, wherever that is
    raise RuntimeError(
        f"Expected all tensors to be on the same device, but found at least two, {DEVICE} and cpu! ({func})"
    )


@contextmanager
def computing_elsewhere(doubles: bool = True) -> Iterator[Elsewhere]:
    """The stand-in is there, and the lab uses it."""
    with Elsewhere(doubles) as stand_in:
        devices.use(DEVICE)
        try:
            yield stand_in
        finally:
            devices.use(devices.CPU)

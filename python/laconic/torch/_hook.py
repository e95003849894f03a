# SPDX-License-Identifier: Apache-2.0
"""A communication hook of DistributedDataParallel: gradients by a method of laconic."""
import atexit
import functools
import queue
import threading
import weakref
import zlib

import torch
from torch import distributed as dist

from .._core import Exchange, InputError, RunError, check_exchange
from ._peers import Header, Peers
from ._state import RankState, entries_of, matrices_of, packed, unpacked, whole_number

_PLAIN, _COMPRESSED = 0, 1  # kinds of messages


class _Lane:
    """A thread that does the work of one tag, in the order in which it comes. It ends with its lane."""

    def __init__(self):
        self._jobs = queue.SimpleQueue()
        threading.Thread(target=_work, args=(self._jobs,), name="laconic lane", daemon=True).start()
        weakref.finalize(self, self._jobs.put, None)

    def put(self, job):
        self._jobs.put(job)


def _work(jobs):
    while True:
        job = jobs.get()
        if job is None:
            return
        job()
        del job  # else the thread would keep the state alive until the next one


class _Arrival:
    """A bucket of the present step."""

    def __init__(self, bucket):
        self.number = bucket.index()
        self.parameters = bucket.parameters()
        self.buffer = bucket.buffer()
        self.open = 0  # segments that are still to be exchanged
        on_device = self.buffer.device.type != "cpu"
        self.ready = torch.cuda.current_stream(self.buffer.device).record_event() if on_device else None
        self._done = torch.futures.Future(devices=[self.buffer.device]) if on_device else torch.futures.Future()
        # What set_exception() sets does not reach DistributedDataParallel. What a callback raises does.
        self.future = self._done.then(_result)

    def finish(self, result):
        self._done.set_result(result)


def _result(done):
    value = done.value()
    if isinstance(value, Exception):
        raise value
    return value


class _Piece:
    """Entries of a segment that lie together in a bucket."""

    def __init__(self, arrival, in_bucket, in_segment, size):
        self.arrival = arrival
        self.values = arrival.buffer[in_bucket:in_bucket + size]
        self.begin, self.size = in_segment, size


class _Segment:
    """A list of parameters. In each step their gradients are one vector of a method."""

    def __init__(self, number, parameters, exchange):
        self.number = number
        self.parameters = parameters  # pairs of index and shape
        self.exchange = exchange
        self.dim = sum(entries_of(shape) for _, shape in parameters)
        self.pieces = []  # of the present step

    def description(self):
        return [(index, list(shape)) for index, shape in self.parameters]


class HookState(RankState):
    """What `hook` keeps between steps: the method's state on this rank, of 8 bytes a parameter for ef21 in float32.

        state = lc.torch.HookState("ef21-sgdm(top-k(1%), eta=0.1)")
        model = torch.nn.parallel.DistributedDataParallel(model)
        model.register_comm_hook(state, lc.torch.hook)

    spec : str
        A method of which each client sends one message a round about its gradient, such as "ef21(top-k(1%))" (arXiv
        2106.05203), "ef21-sgdm(top-k(1%), eta=0.1)" (2305.15155), "ef(sign)" (error feedback, 1901.09847),
        "dcgd(qsgd(4))", "diana(rand-k(1%))" (1901.09269), "marina(rand-k(1%))" (2102.07845), "gd". Or a compressor
        alone: with error feedback where it is contractive, as "low-rank(1)", else as dcgd(C).
    momentum : float or None
        0 <= momentum < 1: each rank gives the method the running mean v <- momentum v + (1 - momentum) gradient.
    start : int
        The number of steps that send whole gradients, before the method begins.
    wire : "f32" or "f64"
        The width of values in messages.
    seed : int
        Of the method's random draws; the same on all ranks.
    process_group : torch.distributed.ProcessGroup or None
        A gloo group with the ranks of the model's. Several states may share it, if all ranks make them in the same
        order. None: a new one of all ranks, which keeps its threads and connections until the process ends. The group's
        timeout, 30 minutes unless given, ends the wait for a rank that is silent but not gone.
    dtype : "float32" or "float64", or torch's
        Of the state. Buckets of another type or on another device are converted, in both directions.

    A state serves one model. Register the hook before the model's first step: a state_dict names the parameters by
    their order in that step. The constructor is collective. RunError if torch.distributed is not initialised,
    InputError for arguments that do not fit.

    Each rank sends its message to each other one, of exactly its length and a head of 40 bytes: n - 1 messages a step.
    If a rank fails, ends, has a gradient that is not finite or another state than the others, backward() raises a
    RuntimeError on all ranks. The state then serves only load_state_dict().

    The method's state belongs to segments of the parameters: the buckets of the first step that is not the first of its
    process, or of step `start` if that comes before. A resumed process has other buckets in its first step; then
    gradients are copied between buckets and segments. Give start >= 1, so that later steps copy nothing.
    """

    def __init__(self, spec, *, momentum=None, start=2, wire="f32", seed=1, process_group=None, dtype="float32"):
        if not isinstance(spec, str):
            raise TypeError(f"spec is {type(spec).__name__}; need a str, as \"ef21(top-k(1%))\"")
        if isinstance(dtype, torch.dtype):
            dtype = str(dtype).partition(".")[2]
        self._start = whole_number("start", start, 0)
        self._options = {"spec": spec, "momentum": momentum, "start": self._start, "wire": wire,
                         "seed": whole_number("seed", seed, 0), "dtype": dtype}
        self._peers = Peers(process_group)
        check_exchange(spec, self._peers.workers, wire, dtype, momentum)
        self._dtype = getattr(torch, dtype)
        self._changed = threading.Condition()
        self._lanes = []
        self._running = 0  # jobs of lanes
        self._step = 0
        self._segments = []
        self._is_fixed = False  # whether those are all
        self._routes = {}
        self._index = {}  # of a parameter, by its id
        self._known = []  # those parameters, which keeps their ids theirs
        self._takes_model = True  # whether the next step may be the first one of a model
        self._buckets = None  # of the present step, once its last one has come
        self._arrived = {}
        self._held = []  # buckets that wait for the last one, which makes all parameters known
        self._waiting = set()  # buckets: the model waits for their gradients
        _alive.add(self)

    @property
    def step(self):
        """The number of steps so far."""
        return self._step

    @property
    def segments(self):
        """The number of entries of each segment; empty until they are known."""
        return [segment.dim for segment in self._segments]

    def __reduce_ex__(self, protocol):
        raise TypeError("a HookState cannot be copied or pickled; save its state_dict()")

    def state_dict(self):
        """The state of this rank: tensors, numbers and strings, which torch.save() writes. Each rank saves its own.

        Waits until the messages of the step have come. RunError within a step, or after a failure.
        """
        with self._changed:
            self._wait_for_the_step("state_dict")
            self._raise_if_failed()
            return {**self._saved(self._step),
                    "segments": [{"parameters": segment.description(), "exchange": packed(segment.exchange.state())}
                                 for segment in self._segments]}

    def load_state_dict(self, state):
        """Goes on from the state_dict() of the same rank, with the same bits.

        All ranks load that of the same step; else the next step raises a RuntimeError on all ranks. Load the model and
        the optimizer of that step too: they are not compared. InputError if it is of another rank, another number of
        ranks or other arguments. After a failure it is collective.
        """
        with self._changed:
            self._wait_for_the_step("load_state_dict")
            self._check_saved(state)
            segments = []
            for number, saved in enumerate(state["segments"]):
                parameters = [(index, tuple(shape)) for index, shape in saved["parameters"]]
                segments.append(self._segment_of(number, parameters))
                segments[-1].exchange.restore(unpacked(saved["exchange"]))
            if self._peers.failed:
                failed, self._peers = self._peers, self._peers.renewed()
                failed.close()
                self._lanes = []
                self._arrived, self._held, self._buckets = {}, [], None
            self._segments, self._is_fixed, self._routes = segments, len(segments) > 0, {}
            self._takes_model = True
            self._step = state["step"]
            self._count_from(state)

    # The steps, in the thread of backward().

    def _take(self, bucket):
        """The future of a bucket."""
        with self._changed:
            self._raise_if_failed()
            try:
                return self._accept(_Arrival(bucket), bucket.is_last())
            except Exception as error:
                self._fail(self._peers, error)
                raise

    def _accept(self, arrival, is_last):
        if arrival.number in self._arrived:
            raise RunError(f"bucket {arrival.number} came twice in step {self._step} on rank {self._peers.rank}: a "
                           "backward() has ended before its last bucket")
        self._arrived[arrival.number] = arrival
        self._waiting.add(arrival)
        if is_last:
            self._buckets = arrival.number + 1
        is_complete = len(self._arrived) == self._buckets
        if self._step < self._start:
            self._put(arrival.number, functools.partial(self._plain, arrival, self._step))
        else:
            self._held.append(arrival)
        if is_complete:
            buckets = [self._arrived[number] for number in range(self._buckets)]
            is_first = self._learn([p for each in buckets for p in each.parameters])
            if self._step < self._start and not is_first and not self._is_fixed:
                for each in buckets:
                    self._segments.append(self._segment_of(each.number, self._described(each)))
        if is_complete or all(id(p) in self._index for each in self._held for p in each.parameters):
            held, self._held = self._held, []
            for each in held:
                self._dispatch(each)
        if is_complete:
            self._is_fixed = len(self._segments) > 0
            self._arrived, self._buckets = {}, None
            self._step += 1
        return arrival.future

    def _learn(self, parameters):
        """Gives the parameters of a step their indices, if it is the first step of a model. Returns whether it is."""
        new = [p for p in parameters if id(p) not in self._index]
        if new and (len(new) < len(parameters) or not self._takes_model):
            raise RunError(f"step {self._step} has {len(new)} parameters that the steps before did not have; a state "
                           "serves one model")
        self._takes_model = False
        if not new:
            return False
        self._known, self._routes = parameters, {}
        self._index = {id(p): index for index, p in enumerate(parameters)}
        for segment in self._segments:
            for index, shape in segment.parameters:
                if index >= len(parameters) or tuple(parameters[index].shape) != shape:
                    raise RunError(f"parameter {index} of the model is not the one of the state, of shape {shape}; "
                                   "load the state of the same model")
        return True

    def _described(self, arrival):
        """The parameters of a bucket, as pairs of index and shape."""
        return [(self._index[id(p)], tuple(p.shape)) for p in arrival.parameters]

    def _dispatch(self, arrival):
        """Gives the gradients of a bucket to their segments. The bucket that completes one starts its lane."""
        if not self._is_fixed:
            self._segments.append(self._segment_of(arrival.number, self._described(arrival)))
            self._segments.sort(key=lambda segment: segment.number)
        route = self._route(arrival)
        arrival.open = len({segment.number for segment, *_ in route})
        for segment, in_bucket, in_segment, size in route:
            segment.pieces.append(_Piece(arrival, in_bucket, in_segment, size))
            if sum(piece.size for piece in segment.pieces) == segment.dim:
                pieces, segment.pieces = segment.pieces, []
                self._put(segment.number, functools.partial(self._compressed, segment, pieces, self._step))

    def _route(self, arrival):
        """Where the entries of a bucket belong: segment, begin in the bucket, begin in the segment, number."""
        indices = tuple(self._index[id(p)] for p in arrival.parameters)
        if indices not in self._routes:
            places = {}
            for segment in self._segments:
                begin = 0
                for index, shape in segment.parameters:
                    places[index] = (segment, begin)
                    begin += entries_of(shape)
            route, begin = [], 0
            for index, parameter in zip(indices, arrival.parameters):
                if index not in places:
                    raise RunError(f"parameter {index} belongs to no segment; make a new state for a new model")
                segment, in_segment = places[index]
                size = parameter.numel()
                last = route[-1] if route else (None, 0, 0, 0)
                if last[0] is segment and last[2] + last[3] == in_segment:
                    route[-1] = (*last[:3], last[3] + size)
                else:
                    route.append((segment, begin, in_segment, size))
                begin += size
            self._routes[indices] = route
        return self._routes[indices]

    # The work of lanes.

    def _put(self, tag, job):
        while len(self._lanes) <= tag:
            self._lanes.append(_Lane())
        self._running += 1
        self._lanes[tag].put(functools.partial(self._run, self._peers, job))

    def _run(self, peers, job):
        try:
            job(peers)
        except Exception as error:  # whatever it is, the other ranks wait for this one
            self._fail(peers, error)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _plain(self, arrival, step, peers):
        """The mean of whole gradients."""
        exact = torch.float64 if arrival.buffer.dtype == torch.float64 else torch.float32
        vector = _on_cpu(arrival, exact)
        description = zlib.crc32(repr((self._options, len(vector))).encode())
        peers.mean(arrival.number, Header(_PLAIN, step, 0, description), vector.numpy())
        if vector.data_ptr() != arrival.buffer.data_ptr():
            arrival.buffer.copy_(vector)
        self._finish(arrival)

    def _compressed(self, segment, pieces, step, peers):
        """A round of the method."""
        first = pieces[0].arrival
        if len(pieces) == 1 and first.buffer.numel() == segment.dim:
            vector = _on_cpu(first, self._dtype)
        else:
            vector = torch.empty(segment.dim, dtype=self._dtype)
            for piece in pieces:
                _wait_for_the_device(piece.arrival)
                vector[piece.begin:piece.begin + piece.size].copy_(piece.values)
        exchange = segment.exchange
        header = Header(_COMPRESSED, step, exchange.round, exchange.checksum)
        try:
            message = exchange.send(vector.numpy())
        except InputError as error:
            raise RunError(f"rank {peers.rank}, step {step}, segment {segment.number}: {error}") from error
        for rank, payload in enumerate(peers.gather(segment.number, header, message)):
            exchange.receive(rank, payload)
        exchange.finish(out=vector.numpy())
        for piece in pieces:
            if vector.data_ptr() != piece.values.data_ptr():
                piece.values.copy_(vector[piece.begin:piece.begin + piece.size])
        for arrival in {piece.arrival for piece in pieces}:
            self._finish(arrival)

    def _finish(self, arrival):
        """A segment of a bucket, or all of it, is there."""
        with self._changed:
            arrival.open -= 1
            if arrival.open > 0 or arrival not in self._waiting:
                return
            self._waiting.remove(arrival)
            self._changed.notify_all()
        arrival.finish(arrival.buffer)

    # Failures.

    def _fail(self, peers, error):
        """Makes all buckets of the step raise, here and at the other ranks."""
        peers.fail(str(error))
        with self._changed:
            if peers is not self._peers:  # of messages before load_state_dict()
                return
            waiting, self._waiting = self._waiting, set()
            self._changed.notify_all()
        for arrival in waiting:
            arrival.finish(error if isinstance(error, RunError) else RunError(str(error)))

    def _wait_for_the_step(self, what):
        self._changed.wait_for(lambda: not self._waiting or len(self._arrived) > 0)
        if self._arrived and not self._peers.failed:
            raise RunError(f"{what} within step {self._step}; call it between steps")

    def _exchange_of(self, shapes):
        options = {key: value for key, value in self._options.items() if key not in ("spec", "start")}
        return Exchange(self._options["spec"], dim=sum(map(entries_of, shapes)), workers=self._peers.workers,
                        worker=self._peers.rank, matrices=matrices_of(shapes), **options)

    def _segment_of(self, number, parameters):
        return _Segment(number, parameters, self._exchange_of([shape for _, shape in parameters]))

    def _end(self):
        """Ends the lanes that wait for a message, before the interpreter ends: C++ cannot be left then."""
        if self._running:
            self._peers.close()
            with self._changed:
                self._changed.wait_for(lambda: self._running == 0, 2.0)


_alive = weakref.WeakSet()


@atexit.register
def _end_all():
    for state in list(_alive):
        state._end()


def _wait_for_the_device(arrival):
    if arrival.ready is not None:
        arrival.ready.synchronize()


def _on_cpu(arrival, dtype):
    """The gradients of a bucket in the memory of the CPU: the bucket itself where that is possible."""
    _wait_for_the_device(arrival)
    return arrival.buffer.to("cpu", dtype).contiguous()


def hook(state: HookState, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
    """The communication hook of DistributedDataParallel: the mean gradient as the method of a `HookState` estimates it.

        model.register_comm_hook(lc.torch.HookState("ef(sign)"), lc.torch.hook)
        loss(model(inputs), targets).backward()
        optimizer.step()

    state : HookState
        Of this rank, for this model alone.
    bucket : torch.distributed.GradBucket
        Its gradients are overwritten.

    Returns a Future of the bucket's tensor. A thread for each bucket encodes, sends, receives and decodes, while
    backward() goes on; buckets may come in any order. All ranks get the same bits. The cost of a step is that of the
    compressor, plus some passes over the state. Not with torch.cuda.amp.GradScaler: its scale
    changes between steps.
    """
    return state._take(bucket)

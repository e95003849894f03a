# SPDX-License-Identifier: Apache-2.0
"""Messages between the ranks of a process group: of any length, in any order of their tags, over gloo."""
import datetime
import struct
import threading
import weakref
from typing import NamedTuple

import numpy as np
import torch
from torch import distributed as dist

from .._core import InputError, RunError

_LEAST, _MOST = 4096, 1 << 20  # bytes that are ready for a message before its length is known
_TEXT = 2048  # bytes of a reason to fail, at most; with the head they are less than _LEAST
_TAGS = 1 << 16  # tags of one object
_UNUSED = 1 << 30  # a tag without messages
_HEAD = struct.Struct("<qqqQq")
_FAILED = -1  # the kind of a message with the reason why its sender has failed


class Header(NamedTuple):
    """What all ranks must agree on before a message counts: what it is, the step, the round, the state so far."""

    kind: int
    step: int
    round: int
    checksum: int


class _Line:
    """What is under way on a tag."""

    def __init__(self):
        self.posting = threading.Lock()  # the parts of a message follow each other
        self.sends = []
        self.receives = {}
        self.sent, self.received = {}, {}  # the lengths of the messages before, for each peer
        self.long = {}  # memory for the payload of a long message, for each peer


def _room(length):
    """The bytes that a receiver has ready for the next message, where the one before had `length` bytes."""
    return min(max(2 * length, _LEAST), _MOST)


_users = weakref.WeakKeyDictionary()  # how many objects a group has had


class Peers:
    """The ranks 0..workers-1 of a group, seen from one of them.

    process_group : torch.distributed.ProcessGroup or None
        A gloo group, which several objects may use: all ranks must make them in the same order, as each has tags of its
        own. None: a new one of all ranks. The constructor is collective.

    A message has a head of 40 bytes and its payload, and nothing is padded. Receives are posted before their messages
    are sent, with room for twice the length of the message before, 1 MiB at most. So a message usually takes one way
    of the link. A longer one follows its head, which takes three. Threads may use different tags at the same time.
    """

    def __init__(self, process_group=None):
        if not (dist.is_available() and dist.is_initialized()):
            raise RunError("there is no process group; call torch.distributed.init_process_group first")
        outside = dist.distributed_c10d.GroupMember.NON_GROUP_MEMBER  # what new_group() gives other processes
        if not (process_group is None or process_group is outside or isinstance(process_group, dist.ProcessGroup)):
            raise TypeError(f"process_group is {type(process_group).__name__}; need a torch.distributed.ProcessGroup")
        self._given = process_group is not None
        self._group = process_group if self._given else dist.new_group(backend="gloo")
        self.rank = dist.get_rank(self._group)
        if self.rank < 0:
            raise InputError("process_group lacks this process; need a group of which it is a member")
        if dist.get_backend(self._group) != "gloo":
            raise InputError(f"process_group has the backend {dist.get_backend(self._group)}; need gloo, as of "
                             "torch.distributed.new_group(backend='gloo')")
        self.workers = dist.get_world_size(self._group)
        self._others = [rank for rank in range(self.workers) if rank != self.rank]
        self._global = {rank: dist.distributed_c10d.get_global_rank(self._group, rank) for rank in self._others}
        number = _users.get(self._group, 0)  # a message that an earlier object left behind is not one of this one
        if number == _UNUSED // _TAGS:
            raise RunError(f"process_group has had {number} states; make a new group")
        _users[self._group] = number + 1
        self._first_tag = number * _TAGS
        self._lines = {}
        self._lock = threading.Lock()
        self.bytes_sent = self.bytes_received = 0
        self.failed = None  # why, once a rank has failed

    def renewed(self):
        """The same ranks without the messages that a failure left behind. Collective."""
        if self._given:
            raise RunError(f"messages from before a failure ({self.failed}) may be left in process_group; start new "
                           "processes, or make a new state with a new group")
        return Peers()

    def exchange(self, tag, header, payloads):
        """Sends payloads[r] to each rank r, and yields the payload of each rank: uint8 arrays, in the order of ranks.

        A payload is valid until the next one is asked for. All ranks call this with the same tag and header, and none
        of them begins the next exchange of a tag before it has taken all. RunError if a rank has failed, has gone, or
        has another header.
        """
        line = self._line(tag)
        with line.posting:
            if self.failed:
                raise RunError(self.failed)
            for peer in self._others:
                if peer not in line.receives:
                    line.receives[peer] = self._receive(tag, peer, torch.empty(_room(0), dtype=torch.uint8))
            is_long = False
            message = before = None
            for peer in self._others:
                if message is None or payloads[peer] is not before:
                    before = payloads[peer]
                    message = _Message(header, before)
                is_long |= message.length > _room(line.sent.get(peer, 0))
                self._send(line, tag, peer, message)
        heads = (self._head(line, tag, peer, header) for peer in self._others)
        if is_long:  # then those of the others are too: all of them begin to flow before the first is waited for
            heads = iter(list(heads))
        for rank in range(self.workers):
            if rank == self.rank:
                yield _bytes_of(payloads[rank])
                continue
            work, room, payload = next(heads)
            if work is not None:
                self._wait(work, rank)
            yield payload
            length = line.received[rank] = _HEAD.size + len(payload)
            if len(room) != _room(length):
                room = torch.empty(_room(length), dtype=torch.uint8)
            line.receives[rank] = self._receive(tag, rank, room)
        sends = list(line.sends)
        for peer, work, _ in sends:
            self._wait(work, peer)
        with line.posting:
            del line.sends[:len(sends)]

    def gather(self, tag, header, payload):
        """As exchange(), with one payload for all ranks."""
        return self.exchange(tag, header, [payload] * self.workers)

    def mean(self, tag, header, vector):
        """Makes `vector`, a contiguous array, the mean of those of all ranks, added in the order of ranks.

        Each rank adds one part of the entries and sends it to the others: 2 (n - 1)/n of the vector's bytes in all,
        as a ring. An entry's bits depend on that entry of the ranks alone, whatever vector it is part of.
        """
        ends = [len(vector) * rank // self.workers for rank in range(self.workers + 1)]
        parts = [vector[begin:end] for begin, end in zip(ends, ends[1:])]
        total = np.zeros_like(parts[self.rank])
        for payload in self.exchange(tag, header, parts):
            total += payload.view(vector.dtype)
        total /= self.workers
        for rank, payload in enumerate(self.gather(tag, header, total)):
            parts[rank][:] = payload.view(vector.dtype)

    def fail(self, reason):
        """Tells all ranks, on each tag that this one has used, that there will be no further message, and why."""
        with self._lock:
            if self.failed:
                return
            self.failed = reason
            lines = list(self._lines.items())
        text = np.frombuffer(reason.encode()[:_TEXT], np.uint8)
        for tag, line in lines:
            with line.posting:
                for peer in self._others:
                    try:
                        self._send(line, tag, peer, _Message(Header(_FAILED, 0, 0, 0), text))
                    except RuntimeError:  # that one has gone
                        pass

    def close(self):
        """Ends the connections, and so all that waits for a message here or at the other ranks, with an error."""
        for peer in self._others:
            try:  # when a wait takes too long, gloo ends all connections of the group that still are
                dist.irecv(torch.empty(1, dtype=torch.uint8), self._global[peer], group=self._group,
                           tag=_UNUSED).wait(datetime.timedelta(milliseconds=1))
            except RuntimeError:
                pass

    def _line(self, tag):
        with self._lock:
            return self._lines.setdefault(tag, _Line())

    def _send(self, line, tag, peer, message):
        """Posts a message. It stays in line.sends, alive: gloo sends nothing more to a peer if it dies too early."""
        for part in message.parts(_room(line.sent.get(peer, 0))):
            try:
                work = dist.isend(part, self._global[peer], group=self._group, tag=self._first_tag + tag)
            except RuntimeError as error:
                raise _gone(peer, error) from error
            line.sends.append((peer, work, message))
        line.sent[peer] = message.length
        with self._lock:
            self.bytes_sent += message.length

    def _receive(self, tag, peer, room):
        """A posted receive. An error belongs to the message that is to come, and not to those that have."""
        try:
            return dist.irecv(room, self._global[peer], group=self._group, tag=self._first_tag + tag), room
        except RuntimeError as error:
            return error, room

    def _head(self, line, tag, peer, header):
        """Waits for the message of a peer, or its head. Returns a work, the room of the receive, and the payload.

        The work is None where all has arrived.
        """
        work, room = line.receives.pop(peer)
        self._wait(work, peer)
        *theirs, length = _HEAD.unpack(room[:_HEAD.size].numpy())
        theirs = Header(*theirs)
        with self._lock:
            self.bytes_received += _HEAD.size + length
        end = _HEAD.size + length
        is_whole = end <= len(room)
        if theirs.kind == _FAILED:
            raise RunError(room[_HEAD.size:end].numpy().tobytes().decode(errors="replace"))
        if theirs != header:
            raise RunError(self._difference(peer, theirs, header))
        if is_whole:
            return None, room, room[_HEAD.size:end].numpy()
        payload = line.long.get(peer)
        if payload is None or len(payload) != length:
            payload = line.long[peer] = torch.empty(length, dtype=torch.uint8)
        return self._receive(tag, peer, payload)[0], room, payload.numpy()

    def _difference(self, peer, theirs, ours):
        remedy = "load the state_dict of the same step on every rank"
        if theirs.step != ours.step:
            return (f"rank {peer} is at step {theirs.step} (round {theirs.round}), rank {self.rank} at step "
                    f"{ours.step} (round {ours.round}); {remedy}")
        return (f"rank {peer} and rank {self.rank} differ at step {ours.step} (rounds {theirs.round}, {ours.round}; "
                f"checksums {theirs.checksum:x}, {ours.checksum:x}), in arguments, model or messages before; {remedy}")

    def _wait(self, work, peer):
        try:
            if isinstance(work, Exception):
                raise work
            work.wait()
        except RuntimeError as error:
            raise _gone(peer, error) from error


def _gone(peer, error):
    return RunError(f"the connection to rank {peer} is lost ({str(error).splitlines()[0]})")


def _bytes_of(payload):
    """The bytes of an array or of another object with a buffer, without a copy."""
    return np.frombuffer(payload, np.uint8)


class _Message:
    """A message that is being sent, to one or several ranks."""

    def __init__(self, header, payload):
        self._payload = _bytes_of(payload)
        self.length = _HEAD.size + len(self._payload)
        self._head = np.empty(_HEAD.size, np.uint8)
        _HEAD.pack_into(self._head, 0, *header, len(self._payload))
        self._whole = self._tail = None

    def parts(self, room):
        """The tensors that a receiver with so much room takes."""
        if self.length <= room:
            if self._whole is None:
                self._whole = torch.from_numpy(np.concatenate([self._head, self._payload]))
            return [self._whole]
        if self._tail is None:  # PyTorch warns of memory that must not be written
            is_ours = self._payload.flags.writeable
            self._tail = torch.from_numpy(self._payload if is_ours else self._payload.copy())
        return [torch.from_numpy(self._head), self._tail]

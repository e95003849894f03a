# SPDX-License-Identifier: Apache-2.0
"""Runs across sites: `serve()` is the server, `join()` a site with its own rows. docs/sites.md is the guide.

Both need a laconic that was built with sites (`make sites`, then `make python`).
"""
import json
import logging
import sys
import warnings

from . import _core
from ._listener import Listener
from ._run import DivergedWarning, Run, require_callback, warn_if_diverged
from ._words import data_folders, document, keys_of, text_of, words_of

__all__ = ["join", "serve"]

_LOGGER = logging.getLogger(__name__)


class _Listener(Listener):
    """Remarks are what happens in the course of a run, and no warnings: a line in a terminal, and a log."""

    def remark(self, sentence):
        _LOGGER.info(sentence)
        if self._shows:
            self._write("")
            self._width = 0
            print(f"laconic: {sentence}", file=sys.stderr, flush=True)


def _own_words(values):
    """The words of keys that are no keys of a run. A list has its entries between commas."""
    words = []
    for keyword, value in values.items():
        if value is None:
            continue
        key = keyword.replace("_", "-")
        if isinstance(value, (list, tuple)):
            words.append(f"{key}={','.join(text_of(key, one) for one in value)}")
        else:
            words.append(f"{key}={text_of(key, value)}")
    return words


@document("run")
def serve(*files, listen=None, tls=None, roster=None, start_with=None, columns=None, labels=None, callback=None,
          progress=None, on_listening=None, force=False, **keys):
    """Serves a run across sites until it ends, and returns its `Run`.

        run = lc.federation.serve(listen="0.0.0.0:8443", tls="certificates/server", roster="roster.txt", start_with=2,
                                  problem="logistic(lambda=0.1)", method="ef21(top-k(1%))", step=0.5, rounds=500)

    The server has no rows: each site of the roster is a client, and joins with `laconic join` or `join()`. `step` must
    be a number. With `out`, a checkpoint is saved every 10 s, and the same call goes on from it.

    listen : str
        HOST:PORT. Port 0 is a free one.
    tls : path
        A folder with ca.pem, cert.pem, key.pem and optionally crl.pem, as `laconic certificates` makes them.
    roster : path
        A file with the name of a site a line. The name in line i is client i, from 0.
    start_with : int or None
        How many sites the run needs to begin and to go on. None: all of the roster.
    columns : int or None
        The number of columns of all sites' rows. None: the most of the first sites.
    labels : list of float or None
        The labels of the classes. None: those of the first sites.
    on_listening : None or function of (port)
        Called once the server listens.
    callback, progress, force
        As in `run()`. What happens to sites goes to the logger "laconic.federation", and to a terminal.

    Ctrl-C ends the run and its sites; with `out`, a checkpoint is saved first. TypeError, InputError and RunError as
    in `run()`; InputError also in a laconic without sites.
    """
    require_callback(callback)
    require_callback(on_listening, "on_listening", "(port)")
    words, own = words_of("federation.serve", files, keys, [name for name, *_ in keys_of("run")])
    if own is not None:
        raise TypeError("problem: the sites have the rows, so it is a description, as in 'logistic(lambda=0.1)'")
    words += _own_words({"listen": listen, "tls": tls, "roster": roster, "start_with": start_with, "columns": columns,
                         "labels": labels})
    with _Listener(progress) as listener:
        end = _core.serve(words, data_folders(), listener, bool(force), callback, on_listening or (lambda port: None))
    summary = json.loads(end["summary"])
    return warn_if_diverged(
        Run(end["trace"], end["x"], summary, end["warnings"], summary["description"].get("out") or None))


def join(server, *, tls, data, threads=None, server_patience=None, allow=None, progress=None):
    """Joins a run across sites with the rows of a file, and computes until the run ends.

        how = lc.federation.join("example.org:8443", tls="certificates/north", data="north.libsvm", allow=["ef21"])

    Returns how the run ended: "done", "diverged" (with a `DivergedWarning`), or "interrupted" at the server. It
    connects again when the connection breaks, and joins anew when the server has started again.

    server : str
        HOST:PORT
    tls : path
        A folder with ca.pem, cert.pem and key.pem. The name of the site is that of cert.pem.
    data : str or path
        A file, or the name of a data set.
    threads : int or None
        Has no effect yet: a site has one client, which computes on one thread.
    server_patience : str, float or None
        How long it tries to reach a server that does not answer: seconds, or text as "10min". None: 10 minutes.
    allow : list of str or None
        The methods that the server may ask for. None: all.
    progress : None or bool
        None shows in a terminal what the site computes and sends. The logger "laconic.federation" has it too.

    Ctrl-C ends the site; the run goes on without it. InputError: the server refuses the site, or asks for a method that
    is not allowed; the data or the certificates are wrong; or this laconic has no sites. RunError: the run failed, or
    the server cannot be reached.
    """
    if not isinstance(server, str):
        raise TypeError(f"server = {server!r}; need a str, as in 'example.org:8443'")
    if isinstance(server_patience, (int, float)) and not isinstance(server_patience, bool):
        server_patience = f"{float(server_patience)!r}s"
    words = _own_words({"tls": tls, "data": data, "threads": threads, "server_patience": server_patience,
                        "allow": allow})
    with _Listener(progress) as listener:
        how = _core.join(server, words, data_folders(), listener)
    if how == "diverged":
        warnings.warn("the run diverged", DivergedWarning, stacklevel=2)
    return how

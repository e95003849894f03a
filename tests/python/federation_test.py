# SPDX-License-Identifier: Apache-2.0
"""Runs across sites from Python: the server and its sites are processes or threads, over real TLS."""
import pathlib
import signal
import threading

import pytest

import laconic as lc
from laconic import _core
from support import PATIENCE, assert_same_run, program, start_python

SITES = ["north", "south"]
RUN = {"problem": "logistic(lambda=0.1, columns=6)", "method": "ef21(top-k(2))", "step": 0.5, "rounds": 30}

needs_sites = pytest.mark.skipif(not _core.has_sites, reason="this laconic was built without sites")


@pytest.fixture
def sites():
    """Certificates, a roster and the rows of each site, in the present folder; all.svm has the rows of all."""
    program("certificates", "tls", *SITES, "stranger")
    pathlib.Path("roster").write_text("".join(f"{name}\n" for name in SITES))
    rows = [f"{1 - 2 * (i % 2)} {1 + i % 4}:{0.1 * (1 + i % 7)} {5 + i % 2}:0.5\n" for i in range(24)]
    pathlib.Path("all.svm").write_text("".join(rows))
    for i, name in enumerate(SITES):
        pathlib.Path(f"{name}.svm").write_text("".join(rows[len(rows) // 2 * i:len(rows) // 2 * (i + 1)]))


def served_with(names, **keys):
    """Serves a run in this thread, with a thread for each site. Returns the run, and how it ended for each site."""
    ends, threads = {}, []

    def join_all(port):
        def site(name):
            try:
                ends[name] = lc.federation.join(f"127.0.0.1:{port}", tls=pathlib.Path("tls", name),
                                                data=pathlib.Path(f"{name}.svm"), server_patience=PATIENCE)
            except Exception as error:  # noqa: BLE001: the test looks at it
                ends[name] = error

        threads.extend(threading.Thread(target=site, args=(name,)) for name in names)
        for thread in threads:
            thread.start()

    run = lc.federation.serve(listen="127.0.0.1:0", tls="tls/server", roster="roster", on_listening=join_all, **keys)
    for thread in threads:
        thread.join(PATIENCE)
    return run, ends


@needs_sites
def test_a_run_across_sites_is_that_of_one_process(sites):
    rows = []
    run, ends = served_with(SITES, out="run", labels=[-1, 1], callback=lambda round, row: rows.append(round), **RUN)
    assert ends == {name: "done" for name in SITES}
    alone = lc.run(**{**RUN, "problem": "logistic(all.svm, lambda=0.1, columns=6)"}, clients=2)
    measured = [name for name in alone.trace if name not in ("seconds", "network_seconds")]
    assert_same_run(run, alone, measured)
    assert rows == run.trace["round"].tolist() and run.stopped == "rounds" and run.folder == "run"
    assert pathlib.Path("run/members.csv").read_text().count("joined") == 2
    assert_same_run(lc.load("run"), run, measured)


@needs_sites
def test_what_a_site_may_be_asked_is_its_own_decision(sites):
    ends = {}

    def other(port):
        try:
            lc.federation.join(f"127.0.0.1:{port}", tls="tls/north", data="north.svm", allow=["gd", "marina"])
        except (ValueError, RuntimeError) as error:
            ends["north"] = error
        ends["south"] = lc.federation.join(f"127.0.0.1:{port}", tls="tls/south", data="south.svm")

    threads = []

    def listening(port):
        threads.append(threading.Thread(target=other, args=(port,)))
        threads[0].start()

    run = lc.federation.serve(listen="127.0.0.1:0", tls="tls/server", roster="roster", start_with=1, columns=6,
                              labels=[-1, 1], on_listening=listening, **RUN)
    threads[0].join(PATIENCE)
    assert ends["south"] == "done" and run.stopped == "rounds"
    assert isinstance(ends["north"], lc.InputError) and "allow=gd,marina does not have it" in str(ends["north"])


@needs_sites
def test_a_stranger_is_refused(sites):
    errors = []

    def listening(port):
        with pytest.raises(lc.InputError, match="refuses this site.*roster"):
            lc.federation.join(f"127.0.0.1:{port}", tls="tls/stranger", data="north.svm")
        errors.append(port)
        raise ZeroDivisionError  # ends the server

    with pytest.raises(ZeroDivisionError):
        lc.federation.serve(listen="127.0.0.1:0", tls="tls/server", roster="roster", on_listening=listening, **RUN)
    assert len(errors) == 1


@needs_sites
@pytest.mark.parametrize("code, said", [
    ("lc.federation.serve(listen='127.0.0.1:0', tls='tls/server', roster='roster', step=0.5, method='gd', "
     "problem='logistic', on_listening=lambda port: print('ready', flush=True))", "waited for sites"),
    ("print('ready', flush=True); lc.federation.join('127.0.0.1:9', tls='tls/north', data='north.svm')",
     "waited for the server")])
def test_ctrl_c_is_heard_while_it_waits(sites, code, said):
    process = start_python(f"import laconic as lc\n{code}")
    assert process.stdout.readline() == "ready\n"
    threading.Event().wait(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in errors and said in errors, errors


@needs_sites
def test_errors_are_found_before_it_listens(sites):
    given = {"listen": "127.0.0.1:0", "tls": "tls/server", "roster": "roster"}
    for wrong, message in [({"listen": None}, "listen: is missing"), ({"step": "theory"}, "give a number"),
                           ({"start_with": 3}, "the roster has 2 sites"), ({"clients": 3}, "the roster has 2 sites")]:
        with pytest.raises(lc.InputError, match=message):
            lc.federation.serve(**{**given, **RUN, **wrong})
    with pytest.raises(lc.InputError, match="server-patience"):
        lc.federation.join("127.0.0.1:9", tls="tls/north", data="north.svm", server_patience=-1)
    with pytest.raises(TypeError, match="no keyword 'stepp'"):
        lc.federation.serve(**given, **RUN, stepp=1)
    with pytest.raises(TypeError, match="on_listening"):
        lc.federation.serve(**given, **RUN, on_listening=1)
    with pytest.raises(TypeError, match="the sites have the rows"):
        lc.federation.serve(**given, **{**RUN, "problem": lc.problem(lambda x: (0.0, x), dim=3, rows=[1, 1])})


@pytest.mark.skipif(_core.has_sites, reason="this laconic was built with sites")
def test_a_build_without_sites_says_so():
    with pytest.raises(lc.InputError, match="built without sites"):
        lc.federation.serve(listen="127.0.0.1:0", **RUN)
    with pytest.raises(lc.InputError, match="built without sites"):
        lc.federation.join("127.0.0.1:9", tls="tls", data="rows.svm")

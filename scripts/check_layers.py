#!/usr/bin/env python3
"""Checks who includes whom: the arrows between the modules, and which files may see a C library.

Usage: check_layers.py [ROOT]        exit status 1 and one line for each breach
       check_layers.py --self-test
"""
import pathlib
import re
import sys
import tempfile
import unittest

# Folder of a module -> what its files may include besides their own folder: folders (with a slash
# at the end) or single headers. The longest folder that fits a file counts.
MODULES = {
    "base/": [],
    "sdp/": ["base/"],
    "media_anchor/core/": ["media_anchor/codec/transcoder.h", "base/"],
    "media_anchor/codec/": [
        "media_anchor/core/audio_codec.h", "media_anchor/core/g711.h", "media_anchor/core/rtp_view.h", "media_anchor/core/telephone_event.h",
        "base/",
    ],
    "media_anchor/io/": ["media_anchor/core/", "base/"],
    "ws/": ["base/"],
    "gateway/sip/": ["base/"],
    "gateway/browser/": ["gateway/sip/", "base/"],
    "gateway/trunk/": ["gateway/sip/", "base/"],
    "gateway/call/": [
        "sdp/", "gateway/sip/ids.h", "gateway/sip/rejection.h", "media_anchor/core/leg_plan.h", "base/",
    ],
    "gateway/route/": ["base/"],
    "gateway/net/": ["base/"],
    "gateway/users/": [
        "gateway/browser/user.h", "gateway/sip/digest.h", "base/",
    ],
    "gateway/app/": [
        "sdp/", "media_anchor/core/leg_plan.h", "media_anchor/core/tone_echo.h",
        "media_anchor/io/media_engine.h", "ws/server.h",
        "ws/http_request.h", "ws/http_response.h", "gateway/sip/", "gateway/browser/", "gateway/trunk/", "gateway/call/", "gateway/net/",
        "gateway/route/", "gateway/users/", "base/",
    ],
    "demo_carrier/": ["base/"],
}

# Library -> its headers, and the files that may include them.
LIBRARIES = {
    "libwebsockets": (r"libwebsockets\.h", r"ws/server[a-z_]*\.cc"),
    "libuv": (r"uv\.h", r"ws/server[a-z_]*\.cc|gateway/net/\w+\.cc"),
    "OpenSSL": (
        r"openssl/.*",
        r"media_anchor/core/dtls/\w+\.cc|media_anchor/core/srtp/evp\w*\.cc"
        r"|gateway/sip/digest\.cc|gateway/net/\w+\.cc|ws/tls_files\.cc",
    ),
    "libsrtp2": (r"srtp2/.*", r"media_anchor/core/srtp/libsrtp\w*\.cc"),
    "libnice": (
        r"(stun|nice)/.*|agent\.h",
        r"media_anchor/core/ice_lite\.cc|media_anchor/io/nice_\w+\.cc",
    ),
    "GLib": (r"glib.*\.h|gio/.*", r"media_anchor/io/nice_\w+\.cc"),
    "sofia-sip": (r"sofia-sip/.*", r"gateway/sip/codec\.cc|demo_carrier/sofia\.h|demo_carrier/registrar\.cc"),
    "libjwt": (r"jwt\.h", r"gateway/browser/bearer\.cc"),
    "libopus": (r"opus/.*|opus\.h", r"media_anchor/codec/opus_coder\.cc"),
    "spandsp": (r"spandsp/.*|spandsp\.h", r"media_anchor/codec/g722_coder\.cc"),
    "speexdsp": (r"speex/.*", r"media_anchor/codec/resampler\.cc"),
    "c-ares": (r"ares\w*\.h", r"gateway/net/\w+\.cc"),
    "yaml-cpp": (r"yaml-cpp/.*", r"gateway/app/\w+\.(cc|h)"),
    "nlohmann-json": (r"nlohmann/.*", r"gateway/app/\w+\.cc|gateway/users/webhook_source\.cc"),
    "SQLite": (r"sqlite3\.h", r"gateway/users/sqlite_users\.cc"),
    "libcurl": (r"curl/.*", r"gateway/users/webhook_source\.cc"),
    "RE2": (r"re2/.*", r"gateway/route/pattern_index\.cc"),
    "CLI11": (r"CLI/.*", r"gateway/app/\w+\.cc|demo_carrier/\w+\.cc"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def module_of(path):
    return max((m for m in MODULES if path.startswith(m)), key=len, default=None)


def layer_breach(path, header):
    owner, target = module_of(path), module_of(header)
    if target is None:
        return f'"{header}" is not named from the root of the project, or is of no module'
    allowed = MODULES[owner]
    if target == owner or any(header == a or (a.endswith("/") and header.startswith(a)) for a in allowed):
        return None
    return f'"{header}" is out of reach for {owner} (it may include: {", ".join(allowed) or "itself"})'


def library_breach(path, header):
    for library, (headers, files) in LIBRARIES.items():
        if re.fullmatch(headers, header) and not re.fullmatch(files, path):
            return f"<{header}> of {library} belongs to {files} only"
    return None


def breaches(root):
    for module in MODULES:
        for file in sorted((root / module).rglob("*")):
            path = file.relative_to(root).as_posix()
            if file.suffix not in (".cc", ".h") or module_of(path) != module:
                continue
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                own, foreign = match.groups()
                breach = layer_breach(path, own) if own else library_breach(path, foreign)
                if breach:
                    yield f"{path}:{number}: {breach}"


class SelfTest(unittest.TestCase):
    def found(self, **files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in files.items():
                file = root / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text + "\n", encoding="utf-8")
            return list(breaches(root))

    def test_allowed_includes_pass(self):
        self.assertEqual([], self.found(**{
            "sdp/a.cc": '#include "sdp/a.h"\n#include "base/time.h"\n#include <vector>',
            "gateway/call/call.cc": '#include "sdp/model.h"\n#include "media_anchor/core/leg_plan.h"',
            "gateway/sip/codec.cc": "#include <sofia-sip/sip.h>",
            "media_anchor/core/srtp/evp_srtp.cc": "#include <openssl/evp.h>",
        }))

    def test_an_arrow_against_the_layers_is_found_with_its_line(self):
        found = self.found(**{"base/a.h": '#include <vector>\n#include "sdp/model.h"'})
        self.assertEqual(1, len(found))
        self.assertTrue(found[0].startswith('base/a.h:2: "sdp/model.h"'), found)

    def test_only_the_named_header_of_a_module_is_open(self):
        self.assertEqual(1, len(self.found(**{
            "gateway/call/call.cc": '#include "media_anchor/core/relay.h"'})))
        self.assertEqual(1, len(self.found(**{
            "gateway/app/main.cc": '#include "media_anchor/io/worker.h"'})))

    def test_nobody_includes_the_app(self):
        self.assertEqual(1, len(self.found(**{
            "gateway/trunk/a.cc": '#include "gateway/app/config.h"'})))

    def test_a_core_may_not_include_its_shell(self):
        self.assertEqual(1, len(self.found(**{
            "media_anchor/core/a.cc": '#include "media_anchor/io/media_engine.h"'})))

    def test_a_c_library_outside_its_file_is_found(self):
        for path, header in (
                ("gateway/sip/message.cc", "sofia-sip/msg.h"), ("gateway/net/loop.h", "uv.h"),
                ("demo_carrier/call.cc", "sofia-sip/nta.h"), ("ws/upgrade.cc", "openssl/sha.h"),
                ("media_anchor/core/srtp/srtp.h", "srtp2/srtp.h"), ("ws/connection.cc", "libwebsockets.h"),
                ("sdp/parser.cc", "openssl/evp.h"), ("media_anchor/core/relay.cc", "stun/stunagent.h")):
            self.assertEqual(1, len(self.found(**{path: f"#include <{header}>"})), path)

    def test_an_include_by_a_relative_name_is_found(self):
        self.assertEqual(1, len(self.found(**{"sdp/a.cc": '#include "a.h"'})))


def main():
    if sys.argv[1:] == ["--self-test"]:
        return unittest.main(argv=sys.argv[:1])
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    found = list(breaches(root))
    for breach in found:
        print(breach)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

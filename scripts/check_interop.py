#!/usr/bin/env python3
"""Checks docs/interop.md: its table has every row, and every test it names is in the tree.

Names in the last column stand in backticks: `Suite.Name` for GoogleTest; `e2e/file: title`,
`carriers/file: title`, `capture/file: title` and `web-demo/file: title` for the title of a test in
file.test.js of tests/e2e, tests/component/carriers and capture, and web-demo/tests. A row without a name has to say "not covered yet".

Usage: check_interop.py [--self-test]
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROWS = 32
FOLDERS = {"e2e": "tests/e2e", "carriers": "tests/component/carriers",
           "capture": "tests/component/capture",
           "web-demo": "web-demo/tests"}
GTEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
JS_TEST = re.compile(r"""\btest\(\s*(?P<quote>['"`])(?P<title>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""",
                     re.DOTALL)


def gtest_names():
    files = (ROOT / "tests").rglob("*_test.cc")
    return {".".join(match) for path in files for match in GTEST.findall(path.read_text())}


def js_patterns(source):
    """The titles of a JavaScript test file as patterns: `${...}` stands for anything."""
    patterns = []
    for match in JS_TEST.finditer(source):
        parts = re.split(r"\$\{[^}]*\}", match["title"]) if match["quote"] == "`" else [match["title"]]
        parts = [re.sub(r"\\(.)", r"\1", part) for part in parts]
        patterns.append(re.compile(".+".join(re.escape(part) for part in parts)))
    return patterns


def exists(name, gtests):
    folder, slash, rest = name.partition("/")
    if not slash or folder not in FOLDERS:
        return name in gtests
    file, _, title = rest.partition(": ")
    path = ROOT / FOLDERS[folder] / f"{file}.test.js"
    return path.exists() and any(p.fullmatch(title) for p in js_patterns(path.read_text()))


def problems_of(text, known):
    """What is wrong with the document; `known` says whether there is a test of that name."""
    problems = []
    seen = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("| ") or not cells[0].isdigit():
            continue
        seen.append(int(cells[0]))
        names = re.findall(r"`([^`]+)`", cells[-1])
        problems += [f"row {cells[0]}: there is no test `{name}`" for name in names if not known(name)]
        if not names and "not covered yet" not in cells[-1]:
            problems.append(f'row {cells[0]}: no test, and it does not say "not covered yet"')
    if seen != list(range(1, ROWS + 1)):
        problems.append(f"the rows are not 1 to {ROWS}, but {seen}")
    return problems


def self_test():
    known = {"A.B"}.__contains__
    rows = [f"| {i} | thread | what | answer | `A.B` |" for i in range(1, ROWS + 1)]
    assert problems_of("\n".join(rows), known) == []
    assert len(problems_of("\n".join(rows[:-1]), known)) == 1
    assert len(problems_of("\n".join([rows[0].replace("A.B", "A.C"), *rows[1:]]), known)) == 1
    assert len(problems_of("\n".join([rows[0].replace("`A.B`", "soon"), *rows[1:]]), known)) == 1
    assert problems_of("\n".join([rows[0].replace("`A.B`", "not covered yet"), *rows[1:]]), known) == []
    source = "test('it\\'s so', {}, f);\n  test(`for ${n} s: ends`,\n  {}); test(\n 'broken'"
    titles = js_patterns(source)
    assert [any(p.fullmatch(t) for p in titles)
            for t in ("it's so", "for 6 s: ends", "broken", "for s: ends", "so")] == [
                True, True, True, False, False]
    print("self test passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    gtests = gtest_names()
    problems = problems_of((ROOT / "docs/interop.md").read_text(),
                           lambda name: exists(name, gtests))
    for problem in problems:
        print(f"docs/interop.md: {problem}", file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"docs/interop.md: {ROWS} rows, every test is there")


if __name__ == "__main__":
    main()

"""Reads documents with expat and prints each as nested names and texts, or - when it is not well-formed.

Arguments: a file with a name and its canonical spelling a line; a file with a document in hexadecimal a line.
"""

import sys
from xml.parsers import expat

names = dict(line.rstrip("\n").split("\t") for line in open(sys.argv[1]))


class Tree:
    def __init__(self):
        self.open = [["", [], ""]]
        self.skipped = 0

    def start(self, name, attributes):
        canonical = names.get(name.split(":")[-1])
        if self.skipped or canonical is None:
            self.skipped += 1
            return
        self.open.append([canonical, [], ""])

    def end(self, name):
        if self.skipped:
            self.skipped -= 1
            return
        name, children, text = self.open.pop()
        self.open[-1][1].append("%s(%s)" % (name, "".join(children) or text))

    def text(self, text):
        # Text beside children is white space, or nothing that anybody looks at.
        if not self.skipped:
            self.open[-1][2] += text


for line in open(sys.argv[2]):
    tree = Tree()
    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    try:
        parser.Parse(bytes.fromhex(line), True)
    except expat.ExpatError:
        print("-")
        continue
    outline = "".join(tree.open[0][1])
    print(outline.encode().hex())

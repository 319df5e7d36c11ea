"""Looks through optimised SIL for pointers into stack storage that are used after the storage was given back.

A getter that lends a span of an inline array may be inlined so that the span points into a temporary copy. This follows
`address_to_pointer` from each `alloc_stack` through the values made of it, and each path through the function, and
reports a use that lies behind the `dealloc_stack` on all paths. It fails when it finds one, and when it finds no
function at all.
"""
import re
import sys

ADDRESS_OF = {
    "struct_element_addr", "tuple_element_addr", "index_addr", "unchecked_addr_cast", "init_enum_data_addr",
    "unchecked_take_enum_data_addr", "begin_access", "mark_dependence_addr",
}
VALUE_OF = {
    "struct", "enum", "mark_dependence", "struct_extract", "tuple", "tuple_extract", "unchecked_enum_data",
    "pointer_to_address", "index_addr", "index_raw_pointer", "copy_value", "begin_borrow",
    "unchecked_trivial_bit_cast", "unchecked_bitwise_cast", "struct_element_addr",
}
HARMLESS = VALUE_OF | {"strong_release", "release_value", "fix_lifetime"}
TERMINATORS = ("br ", "cond_br", "switch_", "try_apply", "checked_cast", "dynamic_")


def blocks_of(text):
    """The basic blocks of a function in order: name, names of its arguments, lines."""
    blocks = {}
    current = None
    for line in text.split("\n")[1:]:
        line = line.split(", loc")[0].split("//")[0].rstrip()
        label = re.match(r"(bb\d+)(\(.*\))?:", line)
        if label:
            current = label.group(1)
            blocks[current] = (re.findall(r"(%\d+) :", label.group(2) or ""), [])
        elif current and line.strip() and line != "}":
            blocks[current][1].append(line)
    return blocks


def pointers_into_stack(blocks):
    """For each value the stack slots it points into."""
    slot_of = {}
    points_into = {}

    def add(value, slots):
        known = points_into.setdefault(value, set())
        grew = bool(slots - known)
        known |= slots
        return grew

    changed = True
    while changed:
        changed = False
        for _, lines in blocks.values():
            for line in lines:
                statement = re.match(r"\s+(%\d+) = (\S+) (.*)", line)
                if statement:
                    value, operation, rest = statement.groups()
                    operands = re.findall(r"%\d+", rest)
                    if operation == "alloc_stack":
                        changed |= slot_of.setdefault(value, value) is None
                        continue
                    if operation in ADDRESS_OF and operands and operands[0] in slot_of and value not in slot_of:
                        slot_of[value] = slot_of[operands[0]]
                        changed = True
                    slots = set()
                    if operation == "address_to_pointer" and operands[0] in slot_of:
                        slots = {slot_of[operands[0]]}
                    elif operation in VALUE_OF:
                        for operand in operands[:1] if operation == "mark_dependence" else operands:
                            slots |= points_into.get(operand, set())
                    changed |= add(value, slots)
                for target, passed in re.findall(r"(bb\d+)\(([^)]*)\)", line):
                    if target in blocks:
                        for value, argument in zip(passed.split(","), blocks[target][0]):
                            changed |= add(argument, points_into.get(value.strip().split(" ")[0], set()))
    return points_into


def dead_uses(blocks):
    """Lines that use a pointer into a slot which is given back on every path to them."""
    points_into = pointers_into_stack(blocks)
    order = list(blocks)
    successors = {
        name: set(re.findall(r"\b(bb\d+)\b", " ".join(x for x in lines if x.strip().startswith(TERMINATORS))))
        for name, (_, lines) in blocks.items()
    }
    dead_at_start = {order[0]: frozenset()}
    found = []

    def walk(name, report):
        dead = set(dead_at_start[name])
        for line in blocks[name][1]:
            begun = re.match(r"\s+(%\d+) = alloc_stack", line)
            ended = re.match(r"\s+dealloc_stack (%\d+)", line)
            if begun:
                dead.discard(begun.group(1))
            elif ended:
                dead.add(ended.group(1))
            elif report and "debug_value" not in line:
                rest = line.split(" = ", 1)[-1]
                if rest.strip().split(" ")[0] not in HARMLESS:
                    if any(points_into.get(value, set()) & dead for value in re.findall(r"%\d+", rest)):
                        found.append(line.strip())
        return frozenset(dead)

    work = [order[0]]
    while work:
        name = work.pop()
        dead = walk(name, False)
        for successor in successors[name] & blocks.keys():
            before = dead_at_start.get(successor)
            now = dead if before is None else before & dead
            if now != before:
                dead_at_start[successor] = now
                work.append(successor)
    for name in order:
        if name in dead_at_start:
            walk(name, True)
    return found


def main(paths):
    function_count = 0
    finding_count = 0
    for path in paths:
        with open(path) as file:
            text = file.read()
        for function in re.split(r"\n(?=sil )", text):
            head = re.match(r"sil .*?@(\S+) :", function)
            blocks = blocks_of(function) if head else {}
            if not blocks:
                continue
            function_count += 1
            for line in dead_uses(blocks):
                finding_count += 1
                print(f"{path}: {head.group(1)}: {line}")
    print(f"{', '.join(paths)}: {function_count} functions, {finding_count} pointers that outlive their storage")
    return 1 if finding_count or not function_count else 0


sys.exit(main(sys.argv[1:]))

"""The ways in which a source is broken: one small change each, as somebody could make it by mistake."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Pow: "*",
    ast.Mod: "+",
}


@dataclass(frozen=True)
class Mutant:
    """A broken source: what stood at a line, what stands there instead, and the whole of it."""

    line: int
    before: str
    after: str
    source: str
    lines: range
    """Those of the statement, or of its first line where others stand in it: who runs one of them runs the
    mutant.
    """

    def __str__(self) -> str:
        return f"{self.line}: {_short(self.before)}  ->  {_short(self.after)}"


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every broken form of a module, in the order of its lines."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    content = source.encode()
    found = []
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for target, after in _changes(node):
            if target.end_lineno is None or target.end_col_offset is None:
                continue
            begin = starts[target.lineno - 1] + target.col_offset
            end = starts[target.end_lineno - 1] + target.end_col_offset
            before = content[begin:end].decode()
            broken = (content[:begin] + after.encode() + content[end:]).decode()
            if ast.dump(ast.parse(broken)) != ast.dump(tree):
                found.append(Mutant(target.lineno, before, after, broken, _lines(tree, target)))
    yield from sorted(found, key=lambda mutant: (mutant.line, mutant.before, mutant.after))


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Yield what is to be replaced in a node, and what by; annotations and docstrings stay."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="_log")))):
            # What is logged is for reading.
            return
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            yield node, f"({ast.unparse(left)} {_COMPARISONS[type(operator)]} {ast.unparse(right)})"
        case ast.BoolOp(op=operator, values=values):
            other = " or " if isinstance(operator, ast.And) else " and "
            yield node, f"({other.join(f'({ast.unparse(each)})' for each in values)})"
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield node, f"({ast.unparse(operand)})"
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _ARITHMETIC:
            yield node, f"(({ast.unparse(left)}) {_ARITHMETIC[type(operator)]} ({ast.unparse(right)}))"
        case ast.Constant(value=bool(value)):
            yield node, str(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield node, f"({value + 1})"
        case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(test, ast.Compare | ast.UnaryOp):
            yield test, f"(not ({ast.unparse(test)}))"
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield value, "None"
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield node, "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, "pass"
        case _:
            return


def _lines(tree: ast.Module, target: ast.expr | ast.stmt) -> range:
    """Return the lines of the innermost statement around a target, without those of the statements in it."""
    around = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.stmt) and each.lineno <= target.lineno <= _end(each)
    ]
    if not around:
        # A decorator stands above what it decorates.
        return range(target.lineno, target.lineno + 1)
    inner = max(around, key=lambda each: (each.lineno, -_end(each)))
    body = [each.lineno for each in ast.walk(inner) if isinstance(each, ast.stmt) and each is not inner]
    return range(inner.lineno, min([_end(inner) + 1, *(first for first in body if first > inner.lineno)]))


def _end(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 70 else f"{line[:67]}..."

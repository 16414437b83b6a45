"""Small wrong edits of a function, made through its syntax tree, one at a time."""

import ast
import copy
import inspect
import textwrap
from functools import partial

SWAPS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.Sub),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.MatMult: (),
}


def edits(function):
    """Yield, for every small edit of its body, a way to make it: few of thousands are made."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for k, node in enumerate(_places(tree)):
        for describe, edit in _edits_of(node):
            yield partial(_edited, function, tree, k, describe, edit)


def _edited(function, tree, k, describe, edit):
    """Return a description of an edit at place k, and the edited function."""
    changed = copy.deepcopy(tree)
    target = _places(changed)[k]
    changed = _Replace(target, edit(target)).visit(changed)
    scope = dict(function.__globals__)
    code = compile(ast.fix_missing_locations(changed), f"<{function.__name__}>", "exec")
    exec(code, scope)
    pair = (ast.unparse(source).splitlines() for source in (tree, changed))
    line = next(
        (after.strip() for before, after in zip(*pair, strict=False) if before != after), ""
    )
    return f"{function.__name__}: {describe}: {line}", scope[function.__name__]


def _places(tree):
    return [node for node in ast.walk(tree.body[0]) if _of_the_body(node)]


def _of_the_body(node):
    return isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Constant, ast.Tuple, ast.keyword))


def _edits_of(node):
    if isinstance(node, ast.BinOp):
        for operator in SWAPS[type(node.op)]:
            yield operator.__name__, lambda n, o=operator: ast.BinOp(n.left, o(), n.right)
        if not isinstance(node.op, ast.MatMult):
            yield "right operand dropped", lambda n: n.left
            yield "left operand dropped", lambda n: n.right
    elif isinstance(node, ast.UnaryOp):
        yield "sign dropped", lambda n: n.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "one more", lambda n: ast.Constant(n.value + 1)
        yield "one less", lambda n: ast.Constant(n.value - 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield "flipped", lambda n: ast.Constant(not n.value)
    elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
        for i in range(len(node.elts)):
            yield f"item {i} dropped", lambda n, i=i: ast.Tuple(n.elts[:i] + n.elts[i + 1 :], n.ctx)


class _Replace(ast.NodeTransformer):
    def __init__(self, target, replacement):
        self.target, self.replacement = target, replacement

    def visit(self, node):
        if node is self.target:
            return self.replacement
        return super().generic_visit(node)

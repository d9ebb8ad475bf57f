"""The mutants of a module: what Cosmic Ray changes in it, and how each is told from all others."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Cosmic Ray's operators that make a fault somebody could make; it has more, which mostly break the same line again.
OPERATORS = (
    *("AddNot", "BreakWithContinue", "ContinueWithBreak", "AndWithOr", "OrWithAnd"),
    *("ExceptionReplacer", "NumberReplacer", "RemoveDecorator", "TrueWithFalse", "FalseWithTrue"),
    *("ZeroIterationForLoop", "UnaryOperator_Delete_Not", "UnaryOperator_Delete_USub"),
    *("BinaryOperator_Add_Sub", "BinaryOperator_Sub_Add", "BinaryOperator_Mul_FloorDiv"),
    *("BinaryOperator_FloorDiv_Mul", "BinaryOperator_Mod_FloorDiv", "BinaryOperator_Div_Mul"),
    *("BinaryOperator_BitOr_BitAnd", "BinaryOperator_BitAnd_BitOr", "BinaryOperator_BitXor_BitOr"),
    *("BinaryOperator_LShift_RShift", "BinaryOperator_RShift_LShift", "BinaryOperator_Pow_Mul"),
    *("ComparisonOperator_Eq_NotEq", "ComparisonOperator_NotEq_Eq", "ComparisonOperator_Is_IsNot"),
    *("ComparisonOperator_IsNot_Is", "ComparisonOperator_Lt_LtE", "ComparisonOperator_Lt_GtE"),
    *("ComparisonOperator_LtE_Lt", "ComparisonOperator_LtE_Gt", "ComparisonOperator_Gt_GtE"),
    *("ComparisonOperator_Gt_LtE", "ComparisonOperator_GtE_Gt", "ComparisonOperator_GtE_Lt"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of one module.

    Attributes:
        module: Dotted name.
        place: Function, class or both, dotted, that holds the change; empty in the module's own body.
        line: The line as it is, without the white space around it.
        mutant: The line as it becomes; empty where it goes.
        operator: Cosmic Ray's operator, and which of its offers on this very line where it has several alike.
    """

    module: str
    place: str
    line: str
    mutant: str
    operator: str

    @property
    def digest(self) -> str:
        """Where the mutant stands among those of its module when a sample is drawn."""
        return hashlib.sha256(
            "\n".join((self.module, self.place, self.line, self.mutant, self.operator)).encode()
        ).hexdigest()


def bare(text: str) -> str:
    """Return what a module's text does, annotations aside: none of the modules evaluates them."""

    class Strip(ast.NodeTransformer):
        def visit_arg(self, node: ast.arg) -> ast.arg:
            node.annotation = None
            return node

        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            node.returns = None
            return self.generic_visit(node)

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
            node.annotation = ast.Constant(value=None)
            return self.generic_visit(node)

    return ast.dump(Strip().visit(ast.parse(text)))


def place_of(tree: ast.Module, line: int) -> str:
    """Return the dotted name of the function or class that holds a line."""
    found: list[str] = []
    nodes: Sequence[ast.AST] = tree.body
    while True:
        for node in nodes:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                first = min((each.lineno for each in node.decorator_list), default=node.lineno)
                if first <= line <= (node.end_lineno or first):
                    found.append(node.name)
                    nodes = node.body
                    break
        else:
            return ".".join(found)


def change(before: str, after: str) -> tuple[int, str, str]:
    """Return the first line, from 1, that a mutant changes, and that line in both texts; empty where it is gone."""
    old, new = ([line.strip() for line in text.splitlines()] for text in (before, after))
    first = next(
        number for number, pair in enumerate(zip(old, [*new, ""], strict=False)) if pair[0] != pair[1]
    )
    gone = len(new) < len(old) or not new[first]
    # a decorator that goes takes with it what stood in front of it
    while not old[first] or old[first].startswith("#"):
        first += 1
    return first + 1, old[first], "" if gone else new[first]


def mutants_of(module: str, text: str) -> Iterator[tuple[Mutant, str]]:
    """Yield every mutant of a module with the whole broken text, those aside that break only an annotation."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    tree, whole = ast.parse(text), bare(text)
    seen: dict[Mutant, int] = {}
    for short in OPERATORS:
        plain = short in (
            "AddNot",
            "ExceptionReplacer",
            "NumberReplacer",
            "RemoveDecorator",
            "ZeroIterationForLoop",
        )
        operator = get_operator(f"core/{short}" if plain else f"core/Replace{short}")()
        occurrence = 0
        while (broken := mutate_code(text, operator, occurrence)) is not None:
            occurrence += 1
            # the tool's own exception is not defined in the module: any other that nobody raises says the same
            broken = broken.replace("CosmicRayTestingException", "NotImplementedError")
            try:
                if bare(broken) == whole:
                    continue
            except SyntaxError:  # the star of a signature is no multiplication
                continue
            number, line, mutated = change(text, broken)
            mutant = Mutant(module, place_of(tree, number), line, mutated, short)
            again = seen[mutant] = seen.get(mutant, 0) + 1
            if again > 1:
                mutant = Mutant(module, mutant.place, line, mutated, f"{short} {again}")
            yield mutant, broken

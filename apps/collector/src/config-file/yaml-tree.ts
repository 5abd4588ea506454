/** YAML text as a plain tree in which every value knows where it stands. */
import type { Node as YamlNode } from "yaml";
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";

export interface Place {
  line: number;
  column: number;
}

export interface Entry {
  key: string;
  place: Place;
  value: Tree;
}

export type Tree = Place &
  (
    | { kind: "map"; entries: readonly Entry[] }
    | { kind: "list"; items: readonly Tree[] }
    /** @param text as written; whoever reads it knows what it should be. */
    | { kind: "text"; text: string; isNull: boolean }
  );

/** Of values in one another. */
const DEPTH_MAX = 64;
/** A value that is named by an alias counts as often as it is named. */
const NODES_MAX = 100_000;

/** @returns the tree, or what is wrong. */
export function readYaml(text: string): Tree | { problems: readonly (Place & { what: string })[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0)
    return { problems: wrong.map(({ pos, message }) => ({ ...placeAt(pos[0]), what: message })) };
  const twice: (Place & { what: string })[] = [];
  let nodes = 0;
  const treeOf = (node: unknown, at: Place, depth: number): Tree => {
    if (++nodes > NODES_MAX || depth > DEPTH_MAX)
      throw new RangeError(`got more than ${NODES_MAX} values or ${DEPTH_MAX} levels`);
    const range = (node as YamlNode | null)?.range;
    const place = range ? placeAt(range[0]) : at;
    if (isAlias(node)) return treeOf(node.resolve(document), place, depth + 1);
    if (isMap(node)) {
      const entries = new Map<string, Entry>();
      for (const { key, value } of node.items) {
        const keyTree = treeOf(key, place, depth + 1);
        const name = keyTree.kind === "text" ? keyTree.text : "";
        if (entries.has(name))
          twice.push({ line: keyTree.line, column: keyTree.column, what: `${name}: got it twice` });
        const tree = treeOf(value, keyTree, depth + 1);
        entries.set(name, { key: name, place: keyTree, value: tree });
      }
      return { ...place, kind: "map", entries: merged(entries) };
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => treeOf(item, place, depth + 1));
      return { ...place, kind: "list", items };
    }
    if (!isScalar(node) || node.value === null)
      return { ...place, kind: "text", text: "", isNull: true };
    const isPlain = node.type === "PLAIN" && node.source !== undefined;
    return {
      ...place,
      kind: "text",
      text: isPlain ? node.source! : String(node.value),
      isNull: false,
    };
  };
  try {
    const tree = treeOf(document.contents, { line: 1, column: 1 }, 0);
    return twice.length > 0 ? { problems: twice } : tree;
  } catch (error) {
    return { problems: [{ line: 1, column: 1, what: (error as Error).message }] };
  }
}

/** With the entries of maps that `<<` names; own ones count more. Source: https://yaml.org/type/merge.html */
function merged(own: ReadonlyMap<string, Entry>): Entry[] {
  const all = new Map(own);
  const named = all.get("<<")?.value;
  all.delete("<<");
  for (const map of named?.kind === "list" ? named.items : named ? [named] : []) {
    if (map.kind !== "map") continue;
    for (const entry of map.entries) if (!all.has(entry.key)) all.set(entry.key, entry);
  }
  return [...all.values()];
}

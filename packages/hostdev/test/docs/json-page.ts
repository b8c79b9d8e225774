// SPDX-License-Identifier: Apache-2.0

/** The tables of docs/json.md: by the heading above, the type that each field has. */
export type JsonPage = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads the page's tables. `All fields of X` above a table adds those of X. */
export function parseJsonPage(text: string): JsonPage {
  const page = new Map<string, Map<string, string>>();
  for (const section of text.split(/^##+ /m).slice(1)) {
    const title = section.slice(0, section.indexOf("\n"));
    const base = /^All fields of (\w+)/m.exec(section)?.[1];
    const fields = new Map(page.get(base ?? ""));
    for (const [, names = "", type = ""] of section.matchAll(/^\| (`.*?`) \| (.+?) \|.*\|$/gm)) {
      for (const [, name = ""] of names.matchAll(/`([^`]+)`/g)) fields.set(name, type);
    }
    page.set(title, fields);
  }
  return page;
}

/**
 * Compares a printed value with the page.
 *
 * @param seen gets `shape.field` for each field that was met.
 * @returns what is printed and not documented, or with another type.
 */
export function undocumented(page: JsonPage, shape: string, value: unknown, seen: Set<string>): readonly string[] {
  return walk(value, "");

  function walk(now: unknown, path: string): readonly string[] {
    if (Array.isArray(now)) return now.flatMap((item) => walk(item, `${path}[]`));
    if (typeof now !== "object" || now === null) return [];
    return Object.entries(now).flatMap(([key, child]) => {
      const place = path === "" ? key : `${path}.${key}`;
      const fields = page.get(shape) ?? new Map<string, string>();
      const type = fields.get(place);
      seen.add(`${shape}.${place}`);
      const isAbove = [...fields.keys()].some(
        (field) => field.startsWith(`${place}.`) || field.startsWith(`${place}[`),
      );
      if (type === undefined) return isAbove ? walk(child, place) : [`${shape}: ${place}`];
      const wrong = isOfType(child, type, page) ? [] : [`${shape}: ${place} is ${JSON.stringify(child)}, not ${type}`];
      const part = /^([A-Z]\w*)/.exec(type)?.[1];
      if (part === undefined) return [...wrong, ...(isAbove ? walk(child, place) : [])];
      const items = Array.isArray(child) ? child : child === null ? [] : [child];
      return [...wrong, ...items.flatMap((item) => undocumented(page, part, item, seen))];
    });
  }
}

function isOfType(value: unknown, type: string, page: JsonPage): boolean {
  return type.split(" or ").some((one) => {
    if (one.endsWith("[]"))
      return Array.isArray(value) && value.every((item) => isOfType(item, one.slice(0, -2), page));
    if (one === "null") return value === null;
    if (one === "object" || page.has(one)) return typeof value === "object" && value !== null && !Array.isArray(value);
    return typeof value === one;
  });
}

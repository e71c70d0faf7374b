/** What the addresses of the console mean. Pure. */

export type Route =
  | { page: "board" }
  | { page: "case"; id: number }
  | { page: "devices" }
  | { page: "gateway"; id: string }
  | { page: "tasks" }
  | { page: "task"; id: number }
  | { page: "report" }
  | { page: "outbox" }
  | { page: "sheet"; id: number }
  | { page: "wall" }
  | { page: "map" }
  | { page: "supervision" }
  | { page: "children" }
  | { page: "child-case"; hub: string; epoch: number; id: number }
  | { page: "admin"; section: string }
  | { page: "unknown" };

/** Pages that are a word alone. */
const PLAIN = ["tasks", "report", "outbox", "wall", "map", "supervision", "devices", "children"] as const;
const NUMBER = /^\d{1,15}$/;

/** Pure: what a path means. */
export function routeOf(path: string): Route {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.length === 0) return { page: "board" };
  const [first, second, third] = parts;
  const plain = PLAIN.find((each) => each === first);
  if (plain !== undefined && parts.length === 1) return { page: plain };
  const id = NUMBER.test(second ?? "") ? Number(second) : null;
  if (first === "admin" && parts.length <= 2) return { page: "admin", section: second ?? "" };
  if (first === "cases" && id !== null) {
    if (parts.length === 2) return { page: "case", id };
    if (parts.length === 3 && third === "sheet") return { page: "sheet", id };
  }
  if (first === "tasks" && id !== null && parts.length === 2) return { page: "task", id };
  if (first === "children" && parts.length === 4) {
    const epoch = NUMBER.test(third ?? "") ? Number(third) : null;
    const number = NUMBER.test(parts[3] ?? "") ? Number(parts[3]) : null;
    // Ids of hubs are plain letters, digits and hyphens: nothing to decode.
    if (epoch === null || number === null || second === undefined) return { page: "unknown" };
    return { page: "child-case", hub: second, epoch, id: number };
  }
  if (first === "devices" && parts.length === 2 && second !== undefined) {
    try {
      return { page: "gateway", id: decodeURIComponent(second) };
    } catch {
      return { page: "unknown" };
    }
  }
  return { page: "unknown" };
}

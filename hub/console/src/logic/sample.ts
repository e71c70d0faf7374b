/** A case for the unit tests; only what a test is about needs to be given. */
import type { Case } from "../data/types";

export function caseOf(given: Partial<Case> = {}): Case {
  const name = { zh: "丽湖花园", en: "Lihu Garden" };
  return {
    id: 1,
    number: "20261122-000001",
    version: 1,
    state: "reported",
    severity: "P1",
    category: "fire_suspected",
    category_name: { zh: "疑似火情", en: "Suspected fire" },
    title: { zh: "厨房烟雾报警", en: "Smoke alarm in a kitchen" },
    site: { id: "lihu", name, known: true },
    area_path: [{ code: "440605", name: { zh: "南海区", en: "Nanhai District" }, level: "district" }],
    place: { building: "3", unit: "2", floor: "5", room: "厨房" },
    kinds: ["smoke"],
    devices: ["zigbee2mqtt/1"],
    alert_count: 1,
    alerts_active: 0,
    opened_at: "2026-11-22T03:00:00.000Z",
    updated_at: "2026-11-22T03:00:00.000Z",
    ack_due_at: "2026-11-22T03:01:00.000Z",
    is_drill: false,
    alerts: [],
    transitions: [],
    allowed_actions: [],
    related_reason: null,
    progress: {},
    units: [],
    ...given,
  };
}

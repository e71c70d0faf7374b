/**
 * Invented cases, sites and gateways for the development mock server. Nothing here is in the build.
 */

const text = (zh, en) => ({ zh, en });
const iso = (ms) => new Date(ms).toISOString();
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Time to acknowledge by severity. */
export const ACK_MS = { P1: MINUTE, P2: 3 * MINUTE, P3: 15 * MINUTE, P4: 2 * HOUR };

const areas = (street, community, grid) => [
  { code: "440605", level: "district", name: text("南海区", "Nanhai District") },
  { code: "440605004", level: "street", name: street },
  { code: "440605004012", level: "community", name: community },
  { code: "440605004012003", level: "grid", name: grid },
];

export const SITES = [
  {
    id: "lihu",
    name: text("丽湖花园", "Lihu Garden"),
    grid: "440605004012003",
    address: text("南海区桂城街道南新三路18号", "18 Nanxin 3rd Road, Guicheng, Nanhai"),
    building_code: "4406050040120030018",
    lat: 23.0361,
    lon: 113.1487,
    gateway: "gw-lihu-1",
  },
  {
    id: "jinyuan",
    name: text("金园小区", "Jinyuan Estate"),
    grid: "440605004012007",
    address: text("南海区桂城街道佛平四路6号", "6 Foping 4th Road, Guicheng, Nanhai"),
    building_code: "4406050040120070006",
    lat: 23.0298,
    lon: 113.1402,
    gateway: "gw-jinyuan-1",
  },
  {
    id: "chengnan",
    name: text("城南商业街", "Chengnan Shopping Street"),
    grid: "440605004012011",
    address: text("南海区桂城街道城南路1号", "1 Chengnan Road, Guicheng, Nanhai"),
    lat: 23.0221,
    lon: 113.1389,
    gateway: "gw-chengnan-1",
  },
];

const PATHS = {
  lihu: areas(
    text("桂城街道", "Guicheng Street"),
    text("桂园社区", "Guiyuan Community"),
    text("第三网格", "Grid 3"),
  ),
  jinyuan: areas(
    text("桂城街道", "Guicheng Street"),
    text("桂园社区", "Guiyuan Community"),
    text("第七网格", "Grid 7"),
  ),
  chengnan: [],
};

const CATEGORY = {
  smoke: ["fire_suspected", text("疑似火情", "Suspected fire")],
  gas: ["gas_leak", text("燃气泄漏", "Gas leak")],
  door_forced: ["door_forced", text("强行开门", "Forced door")],
  door_held: ["door_held", text("门长时间未关", "Door held open")],
  water_leak: ["water_leak", text("漏水", "Water leak")],
  temperature: ["abnormal_reading", text("读数异常", "Abnormal reading")],
  battery: ["device_fault", text("设备故障", "Device fault")],
  video_loss: ["video_loss", text("视频丢失", "Video loss")],
};

const TITLES = {
  smoke: text("厨房烟雾报警", "Smoke alarm in a kitchen"),
  gas: text("燃气浓度超限", "Gas above the limit"),
  door_forced: text("配电房门被强行打开", "Switch-room door forced"),
  door_held: text("消防门长时间未关", "Fire door held open"),
  water_leak: text("水泵房漏水", "Water leak in the pump room"),
  temperature: text("配电箱温度异常上升", "Switchboard temperature rising abnormally"),
  battery: text("烟感电量低", "Smoke detector battery low"),
  video_loss: text("东门摄像机视频丢失", "East gate camera lost its picture"),
};

let alertCount = 0;

function alertOf(given, at) {
  alertCount += 1;
  const { kind, device, site, severity } = given;
  const model = given.model === true;
  return {
    alert: {
      id: `00000000-0000-4000-8000-${String(alertCount).padStart(12, "0")}`,
      revision: 0,
      phase: "raised",
      sequence: alertCount,
      boot_epoch: 3,
      kind,
      severity,
      device,
      device_known: given.known !== false,
      site,
      place: given.place,
      raised_at: iso(at - 300),
      at: iso(at - 300),
      clock: given.clock ?? "plausible",
      detected_by: model
        ? { by: "model", model: "indoor-climate", build: 41 }
        : { by: "rule", rule: given.rule ?? `${kind}-alarm` },
      ...(model ? { score: 0.93 } : {}),
      reason: given.reason,
      evidence: given.evidence ?? [],
      is_test: given.drill === true,
    },
    gateway: SITES.find((each) => each.id === site)?.gateway ?? "gw-unknown",
    joined_at: iso(at),
    joined_because: given.because ?? text("本事件的第一条报警", "The first alert of this case"),
    arrived_at: iso(at),
    revisions: 1,
    cleared_at: given.cleared ?? null,
  };
}

function evidence(device, kind, unit, values, at) {
  return values.map((value, index) => {
    const when = iso(at - (values.length - index) * 10 * SECOND);
    return { device, kind, value, unit, quality: "good", at: when, received_at: when };
  });
}

/** A case in full, as the hub would open it at `at`. */
export function makeCase(id, given, at) {
  const { kind, severity, site, place } = given;
  const [category, categoryName] = (Object.hasOwn(CATEGORY, kind) && CATEGORY[kind]) || [
    "other",
    text("其他", "Other"),
  ];
  const first = alertOf(given, at);
  const second = given.joined ? alertOf({ ...given, ...given.joined }, at + 40 * SECOND) : null;
  const alerts = second ? [first, second] : [first];
  const siteName = SITES.find((each) => each.id === site)?.name ?? text(site, site);
  return {
    id,
    number: `20261122-${String(id).padStart(6, "0")}`,
    version: 1,
    state: "reported",
    severity,
    category,
    category_name: categoryName,
    title: given.title ?? ((Object.hasOwn(TITLES, kind) && TITLES[kind]) || text(kind, kind)),
    site: { id: site, name: given.siteName ?? siteName, known: SITES.some((each) => each.id === site) },
    area_path: (Object.hasOwn(PATHS, site) && PATHS[site]) || [],
    place,
    kinds: [...new Set(alerts.map((each) => each.alert.kind))],
    devices: [...new Set(alerts.map((each) => each.alert.device))],
    alert_count: alerts.length,
    alerts_active: alerts.filter((each) => !each.cleared_at).length,
    opened_at: iso(at),
    updated_at: iso(at),
    acknowledged_at: null,
    acknowledged_by: null,
    ack_due_at: iso(at + ACK_MS[severity]),
    is_drill: given.drill === true,
    alerts,
    transitions: [
      {
        seq: id * 10,
        at: iso(at),
        actor: "system",
        actor_name: "system",
        action: "report",
        from: null,
        to: "reported",
        reason: null,
      },
    ],
    progress: {},
    related_reason: second
      ? text("同一楼栋 3 分钟内烟雾与温度同时异常", "Smoke and heat in one building within 3 min")
      : null,
  };
}

const smokeAt = (now) => ({
  kind: "smoke",
  severity: "P1",
  site: "lihu",
  device: "zigbee2mqtt/厨房烟感-302",
  place: { building: "3", unit: "2", floor: "5", room: "厨房" },
  reason: text("烟感持续报警 12 秒，烟雾浓度 8.4 %/m", "The detector alarmed for 12 s, obscuration 8.4 %/m"),
  evidence: evidence("zigbee2mqtt/厨房烟感-302", "smoke", "%/m", [0.2, 0.4, 1.9, 5.2, 8.4], now),
});

export const SMOKE = smokeAt(Date.now());

/** The cases that the mock starts with: `[age, what]`. */
export function startCases(now) {
  return [
    [
      2 * MINUTE,
      {
        ...smokeAt(now - 2 * MINUTE),
        joined: {
          kind: "temperature",
          severity: "P2",
          device: "zigbee2mqtt/厨房温湿度-302",
          model: true,
          reason: text(
            "温度 4 分钟内上升 19 °C，与平日差异很大",
            "Temperature rose 19 °C in 4 min, far from usual",
          ),
          because: text("同一房间，40 秒内", "Same room, within 40 s"),
          evidence: [],
        },
      },
    ],
    [
      70 * SECOND,
      {
        kind: "door_forced",
        severity: "P2",
        site: "jinyuan",
        device: "modbus/plc-1/门磁-7",
        place: { building: "B2", room: "配电房" },
        reason: text("门在没有授权的情况下打开", "The door opened without release"),
      },
    ],
    [
      11 * MINUTE,
      {
        kind: "temperature",
        severity: "P2",
        site: "chengnan",
        device: "lora/配电箱-12",
        known: false,
        clock: "unsure",
        model: true,
        place: {},
        reason: text(
          "温度持续上升，与过去 14 天相差 6 倍",
          "Temperature keeps rising, 6 times off the last 14 days",
        ),
      },
    ],
    [
      6 * MINUTE,
      {
        kind: "door_held",
        severity: "P3",
        site: "lihu",
        device: "zigbee2mqtt/消防门-B",
        place: { building: "1", unit: "1", floor: "12", room: "消防通道" },
        reason: text("消防门已打开 10 分钟", "The fire door has been open for 10 min"),
      },
    ],
    [
      25 * MINUTE,
      {
        kind: "water_leak",
        severity: "P3",
        site: "jinyuan",
        device: "modbus/plc-1/水浸-2",
        place: { building: "B1", room: "水泵房" },
        reason: text("水浸传感器报警", "The leak sensor alarmed"),
      },
    ],
    [
      50 * MINUTE,
      {
        kind: "battery",
        severity: "P4",
        site: "lihu",
        device: "zigbee2mqtt/烟感-1407",
        place: { building: "2", unit: "1", floor: "14", room: "走廊" },
        reason: text("电量 8 %", "Battery at 8 %"),
      },
    ],
    [
      3 * HOUR,
      {
        kind: "video_loss",
        severity: "P4",
        site: "chengnan",
        device: "frigate/东门",
        place: { room: "东门" },
        reason: text("30 秒没有画面", "No picture for 30 s"),
      },
    ],
    [
      14 * MINUTE,
      {
        kind: "gas",
        severity: "P1",
        site: "jinyuan",
        drill: true,
        device: "modbus/plc-1/燃气-3",
        place: { building: "5", unit: "3", floor: "1", room: "102 厨房" },
        reason: text("燃气浓度 22 %LEL，连续 3 次超过 20 %LEL", "Gas at 22 %LEL, three times above 20 %LEL"),
      },
    ],
  ].map(([age, given]) => ({ at: now - age, given }));
}

/** Readings around a case: enough to draw, made from the case's own time. */
export function makeSeries(found, now) {
  const opened = Date.parse(found.opened_at);
  const from = opened - 15 * MINUTE;
  const to = opened + 15 * MINUTE;
  const end = Math.min(to, now);
  const over = (step, value) => {
    const points = [];
    for (let ms = from; ms <= end; ms += step) points.push([ms, value(ms)]);
    return points;
  };
  const rise = (ms) => Math.max(0, (ms - opened + 90_000) / MINUTE);
  const wave = (ms, size) => size * Math.sin(ms / 97_000) + (size / 2) * Math.sin(ms / 23_000);
  // A case whose alerts went into another has no devices left, and so no readings.
  const device = found.devices[0];
  const other = found.devices[1] ?? device;
  const readings = [
    {
      device,
      kind: "smoke",
      unit: "%/m",
      points: over(
        10_000,
        (ms) => +(0.3 + Math.min(9, rise(ms) ** 2 * 1.6) + Math.abs(wave(ms, 0.1))).toFixed(2),
      ),
    },
    {
      device: other,
      kind: "temperature",
      unit: "°C",
      points: over(20_000, (ms) => +(24.5 + Math.min(22, rise(ms) * 3.4) + wave(ms, 0.3)).toFixed(1)),
    },
    {
      device: other,
      kind: "humidity",
      unit: "%",
      points: over(20_000, (ms) => +(58 - Math.min(20, rise(ms) * 2) + wave(ms, 0.8)).toFixed(1)),
    },
    { device, kind: "tamper", unit: null, points: [[from, 0]] },
    {
      device: "modbus/plc-1/门磁-3",
      kind: "door",
      unit: null,
      points: [
        [from, 0],
        [opened - 6 * MINUTE, 1],
        [opened - 5 * MINUTE, 0],
        [opened + 20_000, 1],
      ].filter(([ms]) => ms <= end),
    },
  ];
  return {
    from: iso(from),
    to: iso(to),
    series: device === undefined ? [] : readings,
    marks: found.alerts.flatMap(({ alert, cleared_at }) => [
      { at: alert.raised_at, label: text("报警", "alert"), alert_id: alert.id },
      ...(cleared_at ? [{ at: cleared_at, label: text("恢复", "cleared"), alert_id: alert.id }] : []),
    ]),
  };
}

export function makeGateways(now) {
  const base = { boot_epoch: 3, clock: "plausible", backlog_alerts: 0, backlog_readings: 0, faults: [] };
  return [
    {
      ...base,
      id: "gw-lihu-1",
      site: "lihu",
      state: "online",
      last_heartbeat_at: iso(now - 4 * SECOND),
      agent_version: "0.1.0",
      sequence: { contiguous_through: 1482, highest: 1482, missing: [] },
      devices_total: 214,
      devices_silent: 0,
      devices_unknown: 1,
    },
    {
      ...base,
      id: "gw-jinyuan-1",
      site: "jinyuan",
      state: "online",
      last_heartbeat_at: iso(now - 11 * SECOND),
      agent_version: "0.1.0",
      backlog_alerts: 3,
      backlog_readings: 18_240,
      sequence: {
        contiguous_through: 877,
        highest: 896,
        missing: [
          [878, 879],
          [883, 883],
        ],
      },
      devices_total: 96,
      devices_silent: 2,
      devices_unknown: 0,
      faults: [
        {
          code: "modbus_unit_silent",
          subject: "plc-1/17",
          since: iso(now - 42 * MINUTE),
          detail: text("Modbus 单元 17 没有应答", "Modbus unit 17 does not answer"),
        },
      ],
    },
    {
      ...base,
      id: "gw-chengnan-1",
      site: "chengnan",
      state: "silent",
      clock: "unsure",
      last_heartbeat_at: iso(now - 7 * MINUTE),
      agent_version: "0.1.0",
      sequence: { contiguous_through: 51, highest: 51, missing: [] },
      devices_total: 31,
      devices_silent: 31,
      devices_unknown: 4,
    },
    {
      ...base,
      id: "gw-new",
      site: "lihu",
      state: "never_seen",
      last_heartbeat_at: null,
      agent_version: null,
      boot_epoch: null,
      sequence: { contiguous_through: 0, highest: 0, missing: [] },
      devices_total: 0,
      devices_silent: 0,
      devices_unknown: 0,
    },
  ];
}

/** One gateway runs both models, one a candidate beside; one has none. */
export function makeModels(gateway, now) {
  const drift = {
    rows: 40_320,
    psi: 0.08,
    clip_share: 0.002,
    missing_share: 0.01,
    alerts_over_budget: 0,
    missed_share: 0,
    breached: false,
  };
  const base = { enabled: true, untrained: ["voc"], learning: 0, open: 0, drift };
  const rooms = { ...base, id: "env-fuser", build: 3, sha256: "5f1d".repeat(16), subjects: 18, learning: 2 };
  const counts = {
    ...base,
    id: "count-fuser",
    build: 2,
    sha256: "a07c".repeat(16),
    enabled: false,
    untrained: ["credentials", "door", "camera", "site"],
    subjects: 7,
  };
  const disagreement = (current, current_level, candidate, candidate_level) => ({
    current,
    current_level,
    candidate,
    candidate_level,
  });
  const shadow = {
    build: 4,
    rows: 25_920,
    higher: 31,
    lower: 204,
    samples: [
      disagreement(0.812, "warning", 0.411, "none"),
      disagreement(0.702, "notice", 0.388, "none"),
      disagreement(0.655, "none", 0.731, "notice"),
    ],
  };
  switch (gateway) {
    case "gw-lihu-1":
      return { at: iso(now - 4 * SECOND), items: [{ ...rooms, shadow }, counts] };
    case "gw-jinyuan-1": {
      const off = { ...drift, psi: 0.41, missing_share: 0.22, breached: true };
      return { at: iso(now - 11 * SECOND), items: [{ ...rooms, drift: off }] };
    }
    default:
      return { items: [] };
  }
}

export function makeDevices(gateway, now) {
  if (gateway === "gw-new") return [];
  const reading = (kind, value, unit) => ({ kind, unit, point: [now - 20 * SECOND, value] });
  const device = (name, given) => ({
    device: name,
    profile: "zigbee2mqtt",
    known: true,
    state: "online",
    last_seen: iso(now - 20 * SECOND),
    place: {},
    kinds: ["smoke", "battery"],
    gateway,
    last_reading: null,
    ...given,
  });
  return [
    device("zigbee2mqtt/厨房烟感-302", {
      place: { building: "3", unit: "2", floor: "5", room: "厨房" },
      last_reading: reading("smoke", 0, null),
    }),
    device("zigbee2mqtt/厨房温湿度-302", {
      profile: "zigbee2mqtt",
      kinds: ["temperature", "humidity"],
      place: { building: "3", unit: "2", floor: "5", room: "厨房" },
      last_reading: reading("temperature", 24.6, "°C"),
    }),
    device("zigbee2mqtt/烟感-1407", {
      state: "silent",
      last_seen: iso(now - 3 * HOUR),
      place: { building: "2", unit: "1", floor: "14", room: "走廊" },
      last_reading: reading("battery", 8, "%"),
    }),
    device("zigbee2mqtt/0x00158d0003a1b2c4", {
      known: false,
      profile: null,
      kinds: ["door"],
      last_reading: reading("door", 1, null),
    }),
    device("modbus/plc-1/水浸-2", {
      state: "expected",
      last_seen: null,
      profile: "modbus-leak",
      kinds: ["water_leak"],
    }),
  ];
}

export function makeQuarantine(gateway, now) {
  if (gateway !== "gw-lihu-1") return [];
  return [
    {
      source: "tele/boiler/SENSOR",
      reason: "no profile for this topic",
      sample: '{"Time":"2026-11-22T03:40:11","DS18B20":{"Id":"3C01F096","Temperature":61.3},"TempUnit":"C"}',
      count: 128,
      last_seen: iso(now - 9 * SECOND),
    },
  ];
}

export function makeCommissionings(gateway, now) {
  if (gateway !== "gw-lihu-1") return { items: [], test_alerts: [] };
  const received = now - 3_600_000;
  const place = { building: "3", unit: "2", floor: "5", room: "厨房" };
  const press = {
    device: "zigbee2mqtt/3号楼/厨房烟感",
    place,
    kind: "alarm_test",
    alert: "01920000-0000-7000-8000-000000000001",
    received_at: iso(received),
    accepted_at: iso(received + 120),
    agent_to_hub_ms: 120,
  };
  const record = {
    version: 1,
    id: "01920000-0000-7000-8000-000000000009",
    gateway,
    site: "lihu",
    by: "张工",
    agent_version: "0.1.0",
    started_at: iso(received - 60 * SECOND),
    ended_at: iso(received + 300 * SECOND),
    arrived_at: iso(received + 301 * SECOND),
    clock: "plausible",
    ended_because: "asked",
    chosen: [],
    expect_all: true,
    tested: [press],
    missing: [{ device: "zigbee2mqtt/3号楼/走廊烟感", place: { building: "3", floor: "5" } }],
    result: "incomplete",
  };
  const alert = {
    id: press.alert,
    device: press.device,
    place,
    kind: press.kind,
    reason: { zh: "巡检测试（张工）：测试按钮", en: "walk test by 张工: test button" },
    raised_at: press.received_at,
    arrived_at: press.accepted_at,
    case: 8,
  };
  return { items: [record], test_alerts: [alert] };
}

export function makeProfile(source) {
  return { toml: `schema = 1\nid = "new-device"\n# from ${source}\n`, file: "new-device.toml" };
}

/** The mock's link to a parent hub, where it has one (`makeParent`): most hubs have none. */

const ago = (ms) => new Date(Date.now() - ms).toISOString();

/** A link that works. */
export const makeParent = () => ({
  name: "foshan-city",
  host: "city.example:8443",
  state: "up",
  since: ago(86_400_000),
  last_success_at: ago(8_000),
  overdue: false,
  warn_after_ms: 120_000,
  waiting: 0,
  more_wait: false,
  last_command_at: ago(3_600_000),
});

/** The same, not reached for so long. */
export const lostParent = (ms) => ({
  ...makeParent(),
  state: "down",
  since: ago(ms),
  last_success_at: ago(ms + 10_000),
  why: {
    zh: "连接不上上级平台，请检查网络，并确认上级平台在运行",
    en: "the parent hub cannot be reached; check the network and that it is running",
  },
  overdue: ms + 10_000 > 120_000,
  waiting: 12,
  oldest_waiting_at: ago(ms - 5_000),
});

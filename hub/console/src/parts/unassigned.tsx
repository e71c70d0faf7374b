/** What belongs nowhere yet: sites that are in no grid, devices that their gateways' configurations do not name. */
import { loadUnassigned, type UnassignedDevice, type UnassignedSite } from "../data/gateways";
import { t } from "../i18n";
import { Shown, useAsked } from "./asked";
import { Link } from "./link";
import { Said } from "./said";

const gatewayPath = (id: string) => `/devices/${encodeURIComponent(id)}`;

function Open({ cases }: { cases: number }) {
  if (cases === 0) return null;
  return <span class="tag tag-warning">{t.value.devices.openCases(cases)}</span>;
}

function SiteLine({ site }: { site: UnassignedSite }) {
  return (
    <li>
      <Said class="number">{site.id}</Said> <Open cases={site.open_cases} />{" "}
      {site.gateways.map((each) => (
        <Link key={each} to={gatewayPath(each)}>
          <Said class="number">{each}</Said>
        </Link>
      ))}
    </li>
  );
}

function DeviceLine({ device }: { device: UnassignedDevice }) {
  return (
    <li>
      <Said class="number">{device.device}</Said>{" "}
      <Link to={gatewayPath(device.gateway)}>
        <Said class="number">{device.gateway}</Said>
      </Link>{" "}
      <Open cases={device.open_cases} />
    </li>
  );
}

/** Shown only when there is something. */
export function Unassigned() {
  const words = t.value.devices;
  const asked = useAsked(loadUnassigned);
  return (
    <Shown asked={asked}>
      {({ sites, devices, next }) =>
        sites.length + devices.length === 0 ? null : (
          <section class="panel" aria-labelledby="unassigned-heading">
            <h2 id="unassigned-heading">{words.unassigned}</h2>
            {sites.length > 0 && (
              <>
                <h3>{words.unassignedSites}</h3>
                <p class="panel-hint">{words.unassignedSitesHint}</p>
                <ul class="unassigned">
                  {sites.map((each) => (
                    <SiteLine key={each.id} site={each} />
                  ))}
                </ul>
              </>
            )}
            {devices.length > 0 && (
              <>
                <h3>{words.unassignedDevices}</h3>
                <p class="panel-hint">{words.unassignedDevicesHint}</p>
                <ul class="unassigned">
                  {devices.map((each) => (
                    <DeviceLine key={`${each.gateway} ${each.device}`} device={each} />
                  ))}
                </ul>
                {next && <p class="panel-hint">{words.unassignedMore(devices.length)}</p>}
              </>
            )}
          </section>
        )
      }
    </Shown>
  );
}

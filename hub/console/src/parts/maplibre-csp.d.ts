/** The build of MapLibre that works under a content security policy without exceptions; same types. */
declare module "maplibre-gl/dist/maplibre-gl-csp" {
  export * from "maplibre-gl";

  import * as all from "maplibre-gl";
  export default all;
}

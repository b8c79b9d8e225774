// SPDX-License-Identifier: Apache-2.0
import { invalid } from "../../xml/complaint.ts";
import type { Domain } from "../domain.ts";
import type { DeviceLabel } from "../security-label.ts";

/** Rules about `<seclabel>`: one for each security model. libvirt: virSecurityLabelDefParseXML. */
export function validateLabels({ seclabels, devices }: Domain): void {
  const models = new Set<string>();
  for (const label of seclabels) {
    const model = label.model ?? "";
    if (model !== "" && models.has(model)) throw invalid(label, `a label for security model ${model} is given twice`);
    models.add(model);
    if (label.type === "static" && label.label === undefined) throw invalid(label, "type='static' needs a <label>");
    if (label.type === "none" && label.relabel === true)
      throw invalid(label, "type='none' and relabel='yes' contradict each other");
  }
  for (const disk of devices.disks) {
    const { source } = disk;
    if (source !== undefined && "labels" in source) validateDeviceLabels(source.labels);
  }
}

function validateDeviceLabels(labels: readonly DeviceLabel[]): void {
  const models = new Set<string>();
  for (const label of labels) {
    if (label.model === undefined && labels.length > 1)
      throw invalid(label, "the security model is missing; with several labels each needs one");
    if (models.has(label.model ?? "")) throw invalid(label, `a label for security model ${label.model} is given twice`);
    models.add(label.model ?? "");
    if (label.relabel === true && label.label === undefined) throw invalid(label, "relabel='yes' needs a <label>");
  }
}

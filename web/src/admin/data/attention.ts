/** What an operator should look at, found in the figures that the console has. */

import { hrefOf } from "../address";
import type { OverviewAnswer, ReportAnswer, WebhookAnswer } from "../answers";
import { texts } from "../texts";

export interface Attention {
  readonly text: string;
  /** The view that shows more; null where there is none. */
  readonly href: string | null;
}

/** From this delay on, people notice that a node or the database is slow. */
export const SLOW_MS = 100;

export const isHealthy = (state: string): boolean => state === "ok";

export const isSlow = (ms: number | null): boolean => (ms ?? 0) >= SLOW_MS;

interface Known {
  readonly overview: OverviewAnswer;
  readonly webhooks: readonly WebhookAnswer[];
  readonly openReports: readonly ReportAnswer[];
  /** How many devices the server cannot push to. */
  readonly failingPushes: number;
}

/** Returns what needs attention, the most urgent first. */
export function attentionOf({ overview, webhooks, openReports, failingPushes }: Known): Attention[] {
  const { database, bus, nodes, perMinute, lostNodes, silentNodes = [] } = overview;
  const found: Attention[] = [];
  if (silentNodes.length > 0) found.push({ text: texts.silentNodes(silentNodes), href: null });
  for (const node of lostNodes) found.push({ text: texts.attention.lostNode(node), href: null });
  if (!isHealthy(database.state)) found.push({ text: texts.attention.database(database.state), href: null });
  else if (isSlow(database.latencyMs))
    found.push({ text: texts.attention.slowDatabase(database.latencyMs ?? 0), href: null });
  if (!isHealthy(bus.state)) found.push({ text: texts.attention.bus(bus.state), href: null });
  for (const { id, loopLagMs } of nodes)
    if (isSlow(loopLagMs)) found.push({ text: texts.attention.slowNode(id, loopLagMs), href: null });
  for (const { id, url, enabled, disabledReason, failing } of webhooks) {
    const href = hrefOf("webhooks", {}, id);
    if (!enabled && disabledReason !== "request") found.push({ text: texts.attention.disabledWebhook(url), href });
    else if (enabled && failing > 0) found.push({ text: texts.attention.failingWebhook(url, failing), href });
  }
  if (failingPushes > 0) found.push({ text: texts.attention.failingPushes(failingPushes), href: hrefOf("push") });
  if (openReports.length > 0)
    found.push({ text: texts.attention.reports(openReports.length), href: hrefOf("reports") });
  if (perMinute.refusals > 0)
    found.push({ text: texts.attention.refusals(perMinute.refusals), href: hrefOf("refusals") });
  return found;
}

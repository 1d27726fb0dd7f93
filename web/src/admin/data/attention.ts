/** What an operator should look at, found in the figures that the console has. */

import { hrefOf } from "../address";
import type { AgentAnswer, LostNodeAnswer, NodeAnswer, OverviewAnswer, ReportAnswer, WebhookAnswer } from "../answers";
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
  readonly agents: readonly AgentAnswer[];
  /** The time now, in milliseconds since 1970. */
  readonly nowMs: number;
}

/** From this age of an open turn on, people wait for an agent. It is the default of the setting `turn_alert_s`. */
const UNANSWERED_MS = 300_000;

/** How many nodes that died are named. A node that ends again and again would fill the page. */
const DIED_SHOWN = 5;

/** How many nodes the server lists. */
const LISTED_MAX = 100;

/** Returns a sentence for each of the newest nodes that died, and one for the others. */
function died(lost: readonly LostNodeAnswer[], nodes: readonly NodeAnswer[]): Attention[] {
  const sentences = lost.slice(0, DIED_SHOWN).map((node) => {
    const next = nodes.find(({ host, startedAt }) => host === node.host && startedAt > node.lastSeenAt);
    return texts.attention.lostNode(node) + (next === undefined ? "" : texts.attention.startedSince(next.id));
  });
  const more = lost.length - DIED_SHOWN;
  if (more > 0) sentences.push(texts.attention.moreLostNodes(more, lost.length < LISTED_MAX));
  return sentences.map((text) => ({ text, href: null }));
}

/** Returns what needs attention, the most urgent first. */
export function attentionOf({ overview, webhooks, openReports, failingPushes, agents, nowMs }: Known): Attention[] {
  const { database, bus, nodes, perMinute, lostNodes, silentNodes = [] } = overview;
  const found: Attention[] = [];
  if (silentNodes.length > 0) found.push({ text: texts.silentNodes(silentNodes), href: null });
  found.push(...died(lostNodes, nodes));
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
  for (const { name, oldestAt, failed } of agents) {
    const href = hrefOf("agents");
    if (oldestAt !== null && nowMs - Date.parse(oldestAt) >= UNANSWERED_MS)
      found.push({ text: texts.attention.unansweredAgent(name, oldestAt), href });
    if (failed > 0) found.push({ text: texts.attention.failedTurns(name, failed), href });
  }
  if (failingPushes > 0) found.push({ text: texts.attention.failingPushes(failingPushes), href: hrefOf("push") });
  if (openReports.length > 0)
    found.push({ text: texts.attention.reports(openReports.length), href: hrefOf("reports") });
  if (perMinute.refusals > 0)
    found.push({ text: texts.attention.refusals(perMinute.refusals), href: hrefOf("refusals") });
  return found;
}

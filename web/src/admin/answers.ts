/** What the server answers to the console. Times are ISO 8601 texts. */

import type { Message } from "@talkwire/client";

/** Nodes that are alive, but did not answer in time: what they have is missing. */
interface OfNodes {
  silentNodes?: string[];
}

export interface NodeAnswer {
  id: string;
  version: string;
  host: string;
  pid: number;
  startedAt: string;
  /** Whether it is about to stop. */
  draining: boolean;
  connections: number;
  users: number;
  loopLagMs: number;
  cpuSeconds: number;
  memoryBytes: number | null;
  /** Whether it is the node that has answered. */
  isSelf: boolean;
}

export interface LostNodeAnswer {
  id: string;
  host: string | null;
  lastSeenAt: string;
  users: number;
}

export interface OverviewAnswer extends OfNodes {
  version: string;
  nodes: NodeAnswer[];
  /** Nodes that died during the last day, the newest first, at most 100. */
  lostNodes: LostNodeAnswer[];
  bus: { kind: string; state: string };
  database: { kind: string; state: string; latencyMs: number | null; sizeBytes: number | null };
  /** Null while the database does not answer. */
  totals: { users: number; conversations: number; messages: number } | null;
  perMinute: { messages: number; commands: number; refusals: number };
}

export interface ConnectionAnswer {
  id: string;
  userId: string;
  transport: string;
  dialect: string;
  node: string;
  address: string;
  connectedAt: string;
}

export interface UserAnswer {
  id: string;
  name: string;
  handle: string | null;
  email: string | null;
  createdAt: string;
  lastSeenAt: string | null;
  online: boolean;
  banned: { reason: string | null; until: string | null } | null;
  erased: boolean;
  /** Whether it stands for the application's back end. */
  backend: boolean;
  connections: number;
}

export interface ConversationAnswer {
  id: string;
  name: string | null;
  kind: string;
  memberCount: number;
  messageCount: number;
  lastMessageAt: string | null;
  createdAt: string;
}

export interface RefusalAnswer {
  at: string;
  kind: string;
  reason: string;
  node: string;
  /** How often the same was refused, the last time at `at`. */
  count: number;
  /** Which of the causes of one reason it was. */
  cause?: string;
  conversationId?: string;
  /** More about the reason. */
  detail?: string;
  command?: string;
  limit?: string;
  method?: string;
  userId?: string;
  address?: string;
  origin?: string;
  namespace?: string;
}

export interface LimitAnswer {
  name: string;
  value: number;
  perSeconds?: number;
  refused: number;
}

export interface PushFailure {
  id: string;
  userId: string;
  kind: string;
  service: string;
  failures: number;
  nextAttemptAt: string | null;
  error: string | null;
}

export interface PushAnswer extends OfNodes {
  registrations: Record<string, number>;
  waiting: number;
  attempts: Record<string, number>;
  failures: PushFailure[];
}

/** The work of an agent. */
export interface AgentAnswer {
  agentId: string;
  name: string;
  open: number;
  oldestAt: string | null;
  failed: number;
  answered: number;
}

export interface TurnAnswer {
  id: string;
  agentId: string;
  conversationId: string;
  endedAt?: string;
  error?: { code: string; message?: string };
}

export interface SettingAnswer {
  name: string;
  value: string | null;
  source: string;
  isSecret: boolean;
}

export interface WebhookAnswer {
  id: string;
  url: string;
  types: string[] | null;
  conversationIds: string[] | null;
  description: string | null;
  final: boolean;
  enabled: boolean;
  disabledAt: string | null;
  disabledReason: "request" | "gone" | "failing" | "restored" | null;
  cursor: string;
  /** The number of conversations and users whose events wait for another attempt. */
  failing: number;
  failingSince: string | null;
  createdAt: string;
}

export interface DeliveryAnswer {
  eventId: string;
  attempt: number;
  status: number | null;
  durationMs: number;
  at: string;
  error?: string;
  next?: string;
  /** The type of the event. */
  type?: string;
  /** The beginning of the body with which the endpoint refused the event. */
  response?: string;
}

export interface ReportAnswer {
  id: string;
  messageId?: string;
  offerId?: string;
  conversationId: string;
  reporterId: string;
  reason: string;
  state: string;
  createdAt: string;
  note?: string;
  /** The text as it was reported, while the report is open. */
  content?: string;
  action?: string;
  decision?: string;
  decidedAt?: string;
  decidedBy?: string;
}

/** The messages around what was reported, from older to newer. */
export interface ReportContextAnswer {
  before: readonly Message[];
  after: readonly Message[];
}

export interface AuditAnswer {
  id: string;
  action: string;
  actorId: string;
  targetId: string;
  at: string;
  address: string | null;
  conversationId?: string;
  reason?: string;
}

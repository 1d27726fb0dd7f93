/** The views of the console, as its navigation lists them. */

import {
  Ban,
  Bell,
  Bot,
  Cable,
  Flag,
  Gauge,
  LayoutDashboard,
  type LucideIcon,
  MessagesSquare,
  ScrollText,
  SlidersHorizontal,
  Users as UsersIcon,
  Webhook,
} from "lucide-react";
import type { ComponentType } from "react";
import { Agents } from "./sections/agents";
import { Audit } from "./sections/audit";
import { Connections } from "./sections/connections";
import { ConversationView } from "./sections/conversation";
import { Conversations } from "./sections/conversations";
import { Limits } from "./sections/limits";
import { Overview } from "./sections/overview";
import { Push } from "./sections/push";
import { Refusals } from "./sections/refusals";
import { Reports } from "./sections/reports";
import { Settings } from "./sections/settings";
import { UserView } from "./sections/user";
import { Users } from "./sections/users";
import { WebhookView } from "./sections/webhook";
import { Webhooks } from "./sections/webhooks";
import { texts } from "./texts";

export interface Section {
  /** Its name in the page's address. */
  readonly id: string;
  readonly title: string;
  readonly icon: LucideIcon;
  readonly List: ComponentType;
  /** Shows one item; undefined where items have no view of their own. */
  readonly Item?: ComponentType<{ id: string }>;
}

interface Group {
  readonly title: string;
  readonly sections: readonly Section[];
}

export const GROUPS: readonly Group[] = [
  {
    title: texts.groups.state,
    sections: [
      { id: "overview", title: texts.overview.title, icon: LayoutDashboard, List: Overview },
      { id: "refusals", title: texts.refusals.title, icon: Ban, List: Refusals },
      { id: "limits", title: texts.limits.title, icon: Gauge, List: Limits },
      { id: "settings", title: texts.settings.title, icon: SlidersHorizontal, List: Settings },
    ],
  },
  {
    title: texts.groups.people,
    sections: [
      { id: "users", title: texts.users.title, icon: UsersIcon, List: Users, Item: UserView },
      {
        id: "conversations",
        title: texts.conversations.title,
        icon: MessagesSquare,
        List: Conversations,
        Item: ConversationView,
      },
      { id: "connections", title: texts.connections.title, icon: Cable, List: Connections },
    ],
  },
  {
    title: texts.groups.moderation,
    sections: [
      { id: "reports", title: texts.reports.title, icon: Flag, List: Reports },
      { id: "audit", title: texts.audit.title, icon: ScrollText, List: Audit },
    ],
  },
  {
    title: texts.groups.delivery,
    sections: [
      { id: "webhooks", title: texts.webhooks.title, icon: Webhook, List: Webhooks, Item: WebhookView },
      { id: "push", title: texts.push.title, icon: Bell, List: Push },
      { id: "agents", title: texts.agents.title, icon: Bot, List: Agents },
    ],
  },
];

export const SECTIONS: readonly Section[] = GROUPS.flatMap(({ sections }) => sections);

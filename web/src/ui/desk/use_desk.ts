/** The desks of the reader's teams, as components use them. */

import type { Conversation, Team } from "@talkwire/client";
import { type DeskView, type DeskViewName, deskIn } from "@talkwire/client/desk";
import { useEffect, useReducer } from "react";
import { useShallow } from "zustand/react/shallow";
import type { ChatState } from "../../chat/page_core";
import { useChat, useChatState } from "../page/chat_context";

/** Returns a list of a desk, and renders the component again when the list changes. */
export function useDeskView(teamId: string, name: DeskViewName): DeskView {
  const { client } = useChat();
  const view = deskIn(client, teamId).view(name);
  useChanges([view]);
  return view;
}

/** Returns how many conversations of these teams wait; one of several teams counts once. */
export function useWaitingCount(teams: readonly Team[]): number {
  const { client } = useChat();
  const views = teams.map(({ id }) => deskIn(client, id).view("waiting"));
  useChanges(views);
  return new Set(views.flatMap(({ conversations }) => conversations.map(({ id }) => id))).size;
}

/** Renders the component again when one of these lists changes. */
function useChanges(views: readonly DeskView[]): void {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const followed = useShallow((all: readonly DeskView[]) => all)(views);
  useEffect(() => {
    const ends = followed.map((view) => view.on("change", render));
    // What has changed since it was drawn.
    render();
    return () => {
      for (const end of ends) end();
    };
  }, [followed]);
}

/** Returns the team whose desk is open or would be opened. */
export function useShownTeam(): Team | undefined {
  const teams = useChatState((state) => state.teams);
  const deskId = useChatState((state) => state.deskId);
  return teams.find(({ id }) => id === deskId) ?? teams[0];
}

/** Returns whether the reader is in a team of a conversation, and so sees who handles it. */
export function isStaffOf({ teams }: Pick<ChatState, "teams">, conversation: Conversation): boolean {
  return conversation.teams?.some(({ teamId }) => teams.some(({ id }) => id === teamId)) === true;
}

import type { InvitedConversation } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import { useEffect, useState } from "react";
import type { Api } from "../../server/api";
import { texts } from "../../texts";

export interface InvitedTo {
  /** The names of the conversations, as a part of a sentence; empty where they are unknown. */
  readonly names: string;
  /** Whether nobody can use the invitation any more. */
  readonly isOver: boolean;
}

/** Returns where an invitation leads; null until the server has answered. */
export function useInvitedTo(api: Api, invitation: string | null): InvitedTo | null {
  const [found, setFound] = useState<InvitedTo | null>(null);
  useEffect(() => {
    if (invitation === null) return;
    let isGone = false;
    setFound(null);
    api
      .invitedTo(invitation)
      .then(
        (conversations) => ({ names: texts.listed(conversations.map(nameOfInvited)), isOver: false }),
        // Registering shows any other problem.
        (error: unknown) => ({ names: "", isOver: isRefusal(error) }),
      )
      .then((answer) => isGone || setFound(answer));
    return () => {
      isGone = true;
    };
  }, [api, invitation]);
  return found;
}

export const nameOfInvited = ({ name, kind }: InvitedConversation): string => name ?? texts.kinds[kind];

/** Whether the server has refused the invitation itself. */
export function isRefusal(error: unknown): boolean {
  return error instanceof RequestError && (error.code === "forbidden" || error.code === "not_found");
}

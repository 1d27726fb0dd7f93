import type { InvitedConversation } from "@talkwire/client";
import { RequestError } from "@talkwire/client";
import { useEffect, useEffectEvent, useState } from "react";
import type { Api } from "../../server/api";
import { texts } from "../../texts";

/**
 * Returns the names of the conversations that an invitation leads to, as a part of a sentence; empty until the server
 * has answered. Calls `onOver` when nobody can use the invitation any more.
 */
export function useInvitedTo(api: Api, invitation: string | null, onOver: () => void): string {
  const [names, setNames] = useState("");
  const over = useEffectEvent(onOver);
  useEffect(() => {
    if (invitation === null) return;
    let isGone = false;
    api.invitedTo(invitation).then(
      (found) => isGone || setNames(texts.listed(found.map(nameOfInvited))),
      // Registering shows any other problem.
      (error: unknown) => isGone || (isRefusal(error) && over()),
    );
    return () => {
      isGone = true;
    };
  }, [api, invitation]);
  return names;
}

export const nameOfInvited = ({ name, kind }: InvitedConversation): string => name ?? texts.kinds[kind];

/** Whether the server has refused the invitation itself. */
export function isRefusal(error: unknown): boolean {
  return error instanceof RequestError && (error.code === "forbidden" || error.code === "not_found");
}

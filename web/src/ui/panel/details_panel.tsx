import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { ConversationAlerts } from "../alerts/conversation_alerts";
import { useChatState } from "../context";
import { partnerOf } from "../conversations/names";
import { PersonDetails } from "../people/person_details";
import { PanelFrame } from "./panel";
import { PlaceDetails } from "./place_details";

/** What a conversation is, who is in it, and what the reader may do with it. */
export default function DetailsPanel({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const partner = partnerOf(conversation, me);
  return (
    <PanelFrame title={texts.details}>
      {conversation.kind !== "direct" ? (
        <PlaceDetails conversation={conversation} />
      ) : (
        <>
          {partner && <PersonDetails userId={partner.userId} name={partner.name} canTalk={false} />}
          <ConversationAlerts key={conversation.id} conversation={conversation} />
        </>
      )}
    </PanelFrame>
  );
}

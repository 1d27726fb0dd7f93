import type { Conversation } from "@talkwire/client";
import { texts } from "../../texts";
import { ConversationAlerts } from "../alerts/conversation_alerts";
import { partnerOf } from "../components/conversation_names";
import { PanelFrame } from "../components/panel_frame";
import { useChatState } from "../page/chat_context";
import { BlockButton } from "../people/block_button";
import { PersonDetails } from "../people/person_details";
import { ActionTiles } from "./action_tiles";
import { GroupDetails } from "./group_details";
import { ListPlace } from "./list_place";

/** The details of a conversation: its members, and what the reader may do. */
export default function DetailsPanel({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const partner = partnerOf(conversation, me);
  return (
    <PanelFrame title={texts.details}>
      {conversation.kind !== "direct" ? (
        <GroupDetails conversation={conversation} />
      ) : (
        <>
          {partner && <PersonDetails userId={partner.userId} name={partner.name} />}
          <ActionTiles conversation={conversation} />
          <ListPlace key={`list ${conversation.id}`} conversation={conversation} />
          <ConversationAlerts key={conversation.id} conversation={conversation} />
          {partner && partner.erased !== true && (
            <div className="last-rows">
              <BlockButton userId={partner.userId} name={partner.name} className="last-row" />
            </div>
          )}
        </>
      )}
    </PanelFrame>
  );
}

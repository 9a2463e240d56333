lastmile_module(sip_ua
  SOURCES dialog.cc refer.cc session_timer.cc transactions.cc user_agent.cc user_agent_accounts.cc
          user_agent_client.cc user_agent_reliable.cc user_agent_server.cc
  PUBLIC lastmile::sip)

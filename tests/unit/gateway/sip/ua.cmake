lastmile_test(sip_ua_test LABEL unit TIMEOUT 60
  SOURCES dialog_test.cc refer_test.cc session_timer_test.cc transactions_test.cc
          user_agent_accounts_test.cc user_agent_client_test.cc
          user_agent_pair_test.cc user_agent_prack_test.cc user_agent_server_test.cc
  LIBS lastmile::sip_ua)
# 2,000 runs: slow under sanitizers.
lastmile_test(sip_ua_simulation_test LABEL unit TIMEOUT 300
  SOURCES user_agent_simulation_test.cc
  LIBS lastmile::sip_ua)

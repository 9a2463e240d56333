lastmile_test(sip_ua_test LABEL unit TIMEOUT 60
  SOURCES user_agent_pair_test.cc
  LIBS lastmile::sip_ua)

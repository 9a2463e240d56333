#ifndef LASTMILE_TESTS_COMPONENT_USERS_ANSWERS_H_
#define LASTMILE_TESTS_COMPONENT_USERS_ANSWERS_H_

#include <gtest/gtest.h>

#include <map>
#include <semaphore>
#include <string>
#include <vector>

#include "gateway/users/user_source.h"

namespace lastmile::users {

using Verdict = UserAnswer::Verdict;

// The test's end of a source's mailbox. Thread: the test's.
class Answers {
 public:
  Answers() {
    mailbox.SetWake([this] { wake_.release(); });
  }

  // Asks for all of them at once and waits for every answer, by name.
  std::map<std::string, UserAnswer> Ask(UserSource& source, const std::vector<std::string>& names) {
    for (const std::string& name : names) EXPECT_TRUE(source.Ask(name));
    std::map<std::string, UserAnswer> heard;
    std::vector<UserAnswer> batch;
    while (heard.size() < names.size()) {
      if (!wake_.try_acquire_for(10s)) {
        ADD_FAILURE() << "only " << heard.size() << " answers";
        break;
      }
      mailbox.Drain(batch);
      for (UserAnswer& answer : batch) heard[answer.name] = answer;
    }
    return heard;
  }
  UserAnswer Ask(UserSource& source, const std::string& name) {
    return Ask(source, std::vector{name})[name];
  }

  Mailbox<UserAnswer> mailbox{20000};

 private:
  std::counting_semaphore<> wake_{0};
};

}  // namespace lastmile::users

#endif  // LASTMILE_TESTS_COMPONENT_USERS_ANSWERS_H_

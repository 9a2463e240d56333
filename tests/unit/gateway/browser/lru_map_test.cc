#include "gateway/browser/lru_map.h"

#include <gtest/gtest.h>

namespace lastmile::browser {
namespace {

TEST(LruMap, WhatWasNotUsedForTheLongestTimeGoes) {
  LruMap<int> map(2);
  map.Put("a", 1);
  map.Put("b", 2);
  EXPECT_EQ(*map.Find("a"), 1);
  map.Put("c", 3);
  EXPECT_EQ(map.Find("b"), nullptr);
  EXPECT_EQ(*map.Find("a"), 1);
  EXPECT_EQ(*map.Find("c"), 3);
  EXPECT_EQ(map.size(), 2u);
}

TEST(LruMap, ANameIsThereOnce) {
  LruMap<int> map(2);
  map.Put("a", 1);
  map.Put("a", 2);
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(*map.Find("a"), 2);
  map.Erase("a");
  map.Erase("a");
  EXPECT_EQ(map.Find("a"), nullptr);
  EXPECT_EQ(map.size(), 0u);
}

}  // namespace
}  // namespace lastmile::browser

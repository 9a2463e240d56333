#include "ws/page.h"

#include <gmock/gmock.h>

namespace lastmile::ws {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(PageTest, FindsThePathOfATarget) {
  EXPECT_THAT(PagePathOf("/"), Optional(ElementsAre("index.html")));
  EXPECT_THAT(PagePathOf("/?user=alice"), Optional(ElementsAre("index.html")));
  EXPECT_THAT(PagePathOf("/app.js?v=../.."), Optional(ElementsAre("app.js")));
  EXPECT_THAT(PagePathOf("/a/b-c/d_e.min.js.map"),
              Optional(ElementsAre("a", "b-c", "d_e.min.js.map")));
}

TEST(PageTest, NoTargetClimbsOutOrNamesAHiddenFile) {
  for (const char* target : {"",
                             "x",
                             "//",
                             "//etc/passwd",
                             "/..",
                             "/../x",
                             "/a/../x",
                             "/a/..",
                             "/.",
                             "/./x",
                             "/a/./x",
                             "/.git/config",
                             "/a/.env",
                             "/..%2f..%2fetc/passwd",
                             "/%2e%2e/x",
                             "/%2e%2e%2fx",
                             "/a%00.html",
                             "/..\\x",
                             "/a\\..\\x",
                             "/a//b",
                             "/a/",
                             "/...",
                             "/....//x",
                             "/~root",
                             "/a:b",
                             "/a;b",
                             "/index.html/",
                             "/\xc0\xae\xc0\xae/x",
                             "*",
                             "/a b"}) {
    EXPECT_EQ(PagePathOf(target), std::nullopt) << target;
  }
  EXPECT_EQ(PagePathOf(std::string_view("/a\0b", 4)), std::nullopt);
}

TEST(PageTest, BoundsDepthAndLength) {
  EXPECT_TRUE(PagePathOf("/1/2/3/4/5/6/7/8"));
  EXPECT_FALSE(PagePathOf("/1/2/3/4/5/6/7/8/9"));
  EXPECT_TRUE(PagePathOf("/" + std::string(128, 'a')));
  EXPECT_FALSE(PagePathOf("/" + std::string(129, 'a')));
}

TEST(PageTest, KnowsTheTypesOfAPage) {
  EXPECT_EQ(MimeTypeOf("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(MimeTypeOf("app.min.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(MimeTypeOf("style.css"), "text/css; charset=utf-8");
  EXPECT_EQ(MimeTypeOf("icon.svg"), "image/svg+xml");
  EXPECT_EQ(MimeTypeOf("a.json"), "application/json");
  EXPECT_EQ(MimeTypeOf("app.js.map"), "application/json");
  EXPECT_EQ(MimeTypeOf("a.wasm"), "application/wasm");
  EXPECT_EQ(MimeTypeOf("a.png"), "image/png");
  EXPECT_EQ(MimeTypeOf("favicon.ico"), "image/x-icon");
  EXPECT_EQ(MimeTypeOf("LICENSE"), "application/octet-stream");
  EXPECT_EQ(MimeTypeOf("js"), "application/octet-stream");
}

}  // namespace
}  // namespace lastmile::ws

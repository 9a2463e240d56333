#include "demo_carrier/registrar.h"

#include <fmt/format.h>
#include <sofia-sip/auth_module.h>
#include <sofia-sip/auth_plugin.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace lastmile::demo_carrier {
namespace {

// RFC 3261 section 10.3: the Contact's own `expires`, else the header, else as long as it gets.
int ExpiresOf(const sip_t* sip) {
  const sip_contact_t* contact = sip->sip_contact;
  if (contact && contact->m_expires) return std::atoi(contact->m_expires);
  return sip->sip_expires ? static_cast<int>(sip->sip_expires->ex_delta) : Registrar::kMaxExpires;
}

std::string HostOf(const url_t& url) {
  std::string host = url.url_host ? url.url_host : "";
  if (url.url_port) host += std::string(":") + url.url_port;
  if (url.url_params) host += std::string(";") + url.url_params;
  return host;
}

}  // namespace

Result<std::unique_ptr<Registrar>> Registrar::Make(su_root_t* root, const std::string& user,
                                                   const std::string& password,
                                                   const std::string& realm) {
  std::unique_ptr<Registrar> made(new Registrar);
  made->user_ = user;
  made->password_ = password;
  made->module_ = auth_mod_create(root, AUTHTAG_METHOD("Digest"), AUTHTAG_REALM(realm.c_str()),
                                  AUTHTAG_QOP("auth"), AUTHTAG_ALGORITHM("MD5"), TAG_END());
  auth_passwd_t* entry =
      made->module_ ? auth_mod_addpass(made->module_, user.c_str(), realm.c_str()) : nullptr;
  if (!entry) return Fail("sofia-sip's digest module does not start");
  entry->apw_pass = made->password_.c_str();
  return made;
}

Registrar::~Registrar() {
  if (module_) auth_mod_unref(module_);
}

int Registrar::Check(nta_incoming_t* request, const sip_t* sip, bool as_proxy) {
  const auth_challenger_t as_registrar = {401, sip_401_Unauthorized, sip_www_authenticate_class,
                                          sip_authentication_info_class};
  const auth_challenger_t as_relay = {407, sip_407_Proxy_auth_required,
                                      sip_proxy_authenticate_class,
                                      sip_proxy_authentication_info_class};
  auth_status_t* verdict = auth_status_new(nullptr);
  if (!verdict) return 500;
  verdict->as_method = sip->sip_request->rq_method_name;
  msg_auth_t* credentials = as_proxy ? sip->sip_proxy_authorization : sip->sip_authorization;
  auth_mod_verify(module_, verdict, credentials, as_proxy ? &as_relay : &as_registrar);
  int status = verdict->as_status;
  if (status == 0 && (!verdict->as_user || user_ != verdict->as_user)) status = 403;
  if (status != 0) {
    nta_incoming_treply(
        request, status, verdict->as_phrase,
        TAG_IF(verdict->as_response,
               SIPTAG_HEADER(reinterpret_cast<sip_header_t*>(verdict->as_response))),
        TAG_END());
  }
  auth_status_unref(verdict);
  return status;
}

int Registrar::CheckInvite(nta_incoming_t* request, const sip_t* sip) {
  return Check(request, sip, true);
}

int Registrar::OnRegister(nta_incoming_t* request, const sip_t* sip, TimePoint now) {
  if (const int status = Check(request, sip, false)) return status;
  const int asked = ExpiresOf(sip);
  if (asked > 0 && asked < kMinExpires) {
    nta_incoming_treply(request, SIP_423_INTERVAL_TOO_BRIEF,
                        SIPTAG_MIN_EXPIRES_STR(std::to_string(kMinExpires).c_str()), TAG_END());
    return 423;
  }
  const int expires = std::min(asked, kMaxExpires);
  if (sip->sip_contact) {
    bound_to_ = expires > 0 ? HostOf(*sip->sip_contact->m_url) : "";
    bound_until_ = expires > 0 ? now + std::chrono::seconds(expires) : TimePoint::min();
  }
  Accept(request, sip, expires);
  return 200;
}

void Registrar::Accept(nta_incoming_t* request, const sip_t* sip, int expires) {
  su_home_t home[1] = {SU_HOME_INIT(home)};
  sip_contact_t* contact = sip->sip_contact ? sip_contact_dup(home, sip->sip_contact) : nullptr;
  if (contact && expires > 0) {
    contact->m_next = nullptr;
    msg_header_replace_param(home, contact->m_common, su_sprintf(home, "expires=%d", expires));
  } else {
    contact = nullptr;
  }
  nta_incoming_treply(request, SIP_200_OK, SIPTAG_CONTACT(contact),
                      SIPTAG_EXPIRES_STR(std::to_string(expires).c_str()), TAG_END());
  su_home_deinit(home);
}

}  // namespace lastmile::demo_carrier

#ifndef LASTMILE_BASE_C_HANDLE_H_
#define LASTMILE_BASE_C_HANDLE_H_

#include <memory>

namespace lastmile {

// Owns one object of a C library whose free function does nothing but free (SSL_free,
// EVP_CIPHER_CTX_free ...). Objects whose free has a protocol effect (sends a message, closes a
// connection) get a class with Close() instead. Lives and dies on the thread that made the object.
template <class T, auto kFree>
struct CHandleDeleter {
  void operator()(T* object) const noexcept { kFree(object); }
};

template <class T, auto kFree>
using CHandle = std::unique_ptr<T, CHandleDeleter<T, kFree>>;

}  // namespace lastmile

#endif  // LASTMILE_BASE_C_HANDLE_H_

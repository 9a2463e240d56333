// Holds the precompiled headers that the tests share (cmake/LastmileModule.cmake).
